//! The broker mosquitto.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::{free_port, program};

/// A broker on this computer; killed when dropped.
pub struct Broker {
    child: Option<Child>,
    folder: TempDir,
    pub port: u16,
}

impl Broker {
    /// A broker for everybody, which forgets everything when it ends.
    pub fn start() -> Broker {
        Broker::start_with("allow_anonymous true\n")
    }

    /// A broker with these lines in its configuration.
    pub fn start_with(lines: &str) -> Broker {
        let mut broker = Broker { child: None, folder: tempfile::tempdir().unwrap(), port: free_port() };
        broker.configure(lines);
        broker.run();
        broker
    }

    /// A broker that wants a password, in a connection that is encrypted; its certificate is proven by [`Broker::ca`].
    pub fn start_secure(user: &str, password: &str) -> Broker {
        let mut broker = Broker { child: None, folder: tempfile::tempdir().unwrap(), port: free_port() };
        let path = |name: &str| broker.folder.path().join(name).display().to_string();
        let [ca_key, ca, key, request, certificate, names, passwords] =
            ["ca.key", "ca.pem", "key.pem", "request", "certificate.pem", "names", "passwords"].map(path);
        fs::write(&names, "subjectAltName=IP:127.0.0.1,DNS:localhost\n").unwrap();
        for line in [
            format!(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test -keyout {ca_key} -out {ca}"
            ),
            format!(
                "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout {key} -out {request}"
            ),
            format!(
                "openssl x509 -req -days 2 -in {request} -CA {ca} -CAkey {ca_key} -CAcreateserial -extfile {names} -out {certificate}"
            ),
            format!("mosquitto_passwd -c -b {passwords} {user} {password}"),
            // As root it becomes another user before it reads them.
            format!("chmod -R a+rX {}", broker.folder.path().display()),
        ] {
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        }
        broker.configure(&format!(
            "certfile {certificate}\nkeyfile {key}\nallow_anonymous false\npassword_file {passwords}\n"
        ));
        broker.run();
        broker
    }

    fn configure(&self, lines: &str) {
        let own =
            format!("listener {} 127.0.0.1\npersistence false\nmax_queued_messages 0\n{lines}", self.port);
        fs::write(self.folder.path().join("mosquitto.conf"), own).unwrap();
    }

    /// The certificate that proves that of a secure broker.
    pub fn ca(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// Starts it, also again after its end, and waits until it takes connections.
    pub fn run(&mut self) {
        let mut command = Command::new(program("mosquitto").unwrap());
        command.arg("-c").arg(self.folder.path().join("mosquitto.conf"));
        self.child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        for _ in 0..1_000 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("mosquitto takes no connection");
    }

    /// Ends it at once; all that it retained is forgotten.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}
