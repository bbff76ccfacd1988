//! The server that Intiface is, with its WebSocket for devices and no other way to a device, and its clients. Their messages are
//! the JSON text of the wire, which the server's own code reads and writes.

use std::sync::Arc;

use buttplug_core::message::serializer::{ButtplugMessageSerializer, ButtplugSerializedMessage};
use buttplug_server::device::{ServerDeviceManager, ServerDeviceManagerBuilder};
use buttplug_server::message::ButtplugServerMessageVariant;
use buttplug_server::message::serializer::ButtplugServerJSONSerializer;
use buttplug_server::{ButtplugServer, ButtplugServerBuilder};
use buttplug_server_device_config::load_protocol_configs;
use buttplug_server_hwmgr_websocket::WebsocketServerDeviceCommunicationManagerBuilder;
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::eventually;

/// A server with its devices, and clients one after the other.
pub struct Intiface {
    runtime: Arc<Runtime>,
    devices: Arc<ServerDeviceManager>,
}

impl Intiface {
    /// Listens for devices on that port of this computer, with that user device configuration.
    pub fn start(port: u16, device_config: &str) -> Intiface {
        let config = load_protocol_configs(&None, &Some(device_config.to_owned()), false);
        let config = config.expect("the file for Intiface").finish().unwrap();
        let mut way = WebsocketServerDeviceCommunicationManagerBuilder::default();
        way = way.server_port(port).listen_on_all_interfaces(false);
        let runtime = Arc::new(Runtime::new().unwrap());
        let devices = {
            let _inside = runtime.enter();
            ServerDeviceManagerBuilder::new(config).comm_manager(way).finish().unwrap()
        };
        Intiface { runtime, devices: Arc::new(devices) }
    }

    /// A client that speaks that version of the messages, 3 or 4.
    pub fn client(&self, version: u32) -> Client {
        let server = {
            let _inside = self.runtime.enter();
            ButtplugServerBuilder::with_shared_device_manager(Arc::clone(&self.devices)).finish().unwrap()
        };
        let serializer = Arc::new(ButtplugServerJSONSerializer::default());
        let mut client = Client {
            runtime: Arc::clone(&self.runtime),
            events: Client::listen(&self.runtime, &server, &serializer),
            server,
            serializer,
            next_id: 1,
        };
        let hello = match version {
            4 => json!({ "ClientName": "test", "ProtocolVersionMajor": 4, "ProtocolVersionMinor": 0 }),
            older => json!({ "ClientName": "test", "MessageVersion": older }),
        };
        let answer = client.ask("RequestServerInfo", hello);
        assert!(answer["ServerInfo"].is_object(), "{answer}");
        client.expect_ok("StartScanning", json!({}));
        client
    }
}

/// A client of the server.
pub struct Client {
    runtime: Arc<Runtime>,
    server: ButtplugServer,
    serializer: Arc<ButtplugServerJSONSerializer>,
    events: mpsc::UnboundedReceiver<Value>,
    next_id: u32,
}

impl Client {
    fn listen(
        runtime: &Runtime,
        server: &ButtplugServer,
        serializer: &Arc<ButtplugServerJSONSerializer>,
    ) -> mpsc::UnboundedReceiver<Value> {
        let (sender, events) = mpsc::unbounded_channel();
        let (mut stream, serializer) = (Box::pin(server.event_stream()), Arc::clone(serializer));
        runtime.spawn(async move {
            while let Some(event) = stream.next().await {
                if sender.send(on_the_wire(&serializer, event)).is_err() {
                    return;
                }
            }
        });
        events
    }

    /// Sends a message, which gets a number; its answer.
    #[track_caller]
    pub fn ask(&mut self, name: &str, mut fields: Value) -> Value {
        fields["Id"] = json!(self.next_id);
        self.next_id += 1;
        let text = json!([{ name: fields }]).to_string();
        let messages = self.serializer.deserialize(&ButtplugSerializedMessage::Text(text.clone()));
        let message = messages.unwrap_or_else(|error| panic!("{text}: {error}")).remove(0);
        let _inside = self.runtime.enter();
        let answer = self.runtime.block_on(self.server.parse_message(message));
        let (Ok(answer) | Err(answer)) = answer;
        on_the_wire(&self.serializer, answer)
    }

    #[track_caller]
    pub fn expect_ok(&mut self, name: &str, fields: Value) {
        let answer = self.ask(name, fields);
        assert!(answer["Ok"].is_object(), "{name}: {answer}");
    }

    /// The devices: pairs of the index and what is said of it.
    #[track_caller]
    pub fn devices(&mut self) -> Vec<(u64, Value)> {
        let list = self.ask("RequestDeviceList", json!({}))["DeviceList"]["Devices"].clone();
        let devices = match list {
            Value::Array(devices) => devices,
            Value::Object(devices) => devices.into_iter().map(|(_, device)| device).collect(),
            other => panic!("no list of devices: {other}"),
        };
        devices.into_iter().map(|device| (device["DeviceIndex"].as_u64().unwrap(), device)).collect()
    }

    /// Waits for the only device; its index.
    #[track_caller]
    pub fn axis(&mut self) -> u64 {
        eventually("the axis is a device", || match &self.devices()[..] {
            [] => None,
            [(index, _)] => Some(*index),
            more => panic!("more than one device: {more:?}"),
        })
    }

    /// What the server says of a device.
    pub fn describe(&mut self, index: u64) -> Value {
        self.devices().into_iter().find(|(known, _)| *known == index).expect("the device").1
    }

    /// Waits for an event.
    #[track_caller]
    pub fn hears(&mut self, is_it: impl Fn(&Value) -> bool) {
        eventually("the server says it", || {
            let event = self.events.try_recv().ok()?;
            is_it(&event).then_some(())
        });
    }

    /// An output of the axis, in version 4.
    #[track_caller]
    pub fn output(&mut self, axis: u64, command: Value) {
        self.expect_ok("OutputCmd", json!({ "DeviceIndex": axis, "FeatureIndex": 0, "Command": command }));
    }

    /// A move in version 4; the value is one of 0 to 999.
    #[track_caller]
    pub fn position_with_duration(&mut self, axis: u64, value: u32, ms: u32) {
        self.output(axis, json!({ "HwPositionWithDuration": { "Value": value, "Duration": ms } }));
    }

    /// A move in version 3.
    #[track_caller]
    pub fn linear(&mut self, axis: u64, place: f64, ms: u32) {
        self.expect_ok("LinearCmd", crate::linear_cmd(axis, place, ms));
    }

    /// Goes, as a client whose connection has ended.
    pub fn disconnect(self) {
        let _inside = self.runtime.enter();
        self.runtime.block_on(self.server.disconnect()).expect("the server is done with the client");
    }
}

/// A message of the server as a client reads it.
#[track_caller]
fn on_the_wire(serializer: &ButtplugServerJSONSerializer, message: ButtplugServerMessageVariant) -> Value {
    let ButtplugSerializedMessage::Text(text) = serializer.serialize(&[message]) else {
        panic!("binary");
    };
    let messages: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    messages[0].clone()
}
