//! A stranger in the network: tries tokens that it made up or found, and codes that it guesses.

use serde_json::{Value, json};

use super::{ns, request};
use crate::auth::Token;
use crate::hal::sim::Random;
use crate::trial::acts::PAIRING_CODE;
use crate::trial::client::ClientKind;
use crate::trial::control_client::ControlClient;
use crate::trial::process::TrialProcess;
use crate::units::Nanos;

/// The stranger.
#[derive(Debug, Default)]
pub struct Stranger {
    /// Tokens of phones that were taken off the list.
    pub stolen: Vec<String>,
    /// A socket that it tries.
    pub socket: Option<ControlClient>,
    /// Instant of its next try.
    pub next_ns: Nanos,
}

impl Stranger {
    /// Tries something, when it is time.
    pub fn act(&mut self, process: &mut TrialProcess, random: &mut Random) {
        let now = process.now();
        if now < self.next_ns {
            return;
        }
        self.next_ns = now + ns(random.log_between(1.0, 15.0));
        let token = self.token(random);
        let wave = json!({ "type": "sine", "duration": random.between(1.0, 4.0) });
        let who = ClientKind::Stranger;
        let call = match random.weighted(&[2, 3, 2, 2, 3, 2]) {
            0 => request(who, "GET", "/api/v1/machine", &Value::Null),
            1 => {
                request(who, "POST", "/api/v1/machine/run", &json!({ "wave": wave, "after_stop": 1_000_000 }))
            }
            2 => request(who, "POST", "/api/wave/run", &wave),
            3 => request(who, "POST", "/api/commands/run", &json!({ "type": "calibrate" })),
            4 => {
                let code = format!("{:06}", random.below(1_000_000));
                request(who, "POST", PAIRING_CODE, &json!({ "name": "somebody", "code": code }))
            }
            _ => {
                let socket = process.open_control(who, token);
                process.say(&socket, json!({ "type": "run", "wave": wave }), now);
                self.socket = Some(socket);
                return;
            }
        };
        process.send_with(call, token, now);
    }

    fn token(&self, random: &mut Random) -> Option<String> {
        match random.weighted(&[1, 2, 3]) {
            0 => None,
            2 if !self.stolen.is_empty() => Some(random.one_of(&self.stolen).clone()),
            _ => {
                let bytes: [u8; 32] = core::array::from_fn(|_| random.number() as u8);
                Some(Token::new(bytes).text())
            }
        }
    }
}
