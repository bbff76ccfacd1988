//! Pseudo terminal for T-Code, under a name of the user's choice.
//!
//! The name is a link to `/dev/pts/N`, made at the start and removed at the end. The link that a killed run left behind is
//! replaced; anything else under the name stays, as it belongs to somebody.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// Permissions of the device where every program of this computer may move the axis.
const FOR_ALL: u32 = 0o666;

/// A pseudo terminal with its link.
pub struct LinkedPty {
    near: Arc<OwnedFd>,
    device: PathBuf,
    link: PathBuf,
}

impl LinkedPty {
    /// Makes both. `is_for_all` opens the device to every user of this computer.
    ///
    /// # Errors
    /// The system's, or [`io::ErrorKind::AlreadyExists`] if something else has the name.
    pub fn make(link: &Path, is_for_all: bool) -> io::Result<LinkedPty> {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&near)?;
        unlockpt(&near)?;
        fcntl_setfl(&near, OFlags::NONBLOCK)?;
        let device = PathBuf::from(ptsname(&near, Vec::new())?.to_string_lossy().into_owned());
        if is_for_all {
            fs::set_permissions(&device, fs::Permissions::from_mode(FOR_ALL))?;
        }
        make_link(link, &device)?;
        let pty = LinkedPty { near: Arc::new(near), device, link: link.to_owned() };
        pty.make_raw()?;
        Ok(pty)
    }

    /// Bytes pass as they are, without an echo: as at the start, whatever the program that has left made of it.
    ///
    /// # Errors
    /// The system's.
    pub fn make_raw(&self) -> io::Result<()> {
        let mut terminal = tcgetattr(&*self.near)?;
        terminal.make_raw();
        Ok(tcsetattr(&*self.near, OptionalActions::Now, &terminal)?)
    }

    /// True while some program has the device open, or has left bytes in it.
    ///
    /// # Errors
    /// The system's.
    pub fn is_open(&self) -> io::Result<bool> {
        let mut asked = [PollFd::new(&*self.near, PollFlags::IN)];
        poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        Ok(!asked[0].revents().contains(PollFlags::HUP))
    }

    /// This program's end.
    #[must_use]
    pub fn near(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.near)
    }
}

impl Drop for LinkedPty {
    fn drop(&mut self) {
        if fs::read_link(&self.link).is_ok_and(|target| target == self.device) {
            let _ = fs::remove_file(&self.link);
        }
    }
}

/// Links to the device, unless something else than the link of an earlier run has the name.
fn make_link(link: &Path, device: &Path) -> io::Result<()> {
    match fs::read_link(link) {
        // An earlier run had a device of the same number.
        Ok(target) if target == device => return Ok(()),
        Ok(_) if !link.exists() => fs::remove_file(link)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(_) | Err(_) => {
            let why = "is there already, and is not a link that an earlier run left: remove it, or choose \
                       another path";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
    }
    symlink(device, link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_made_and_removed_and_only_one_that_leads_nowhere_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("tcode");
        let is_there = || fs::symlink_metadata(&link).is_ok();
        drop(LinkedPty::make(&link, false).unwrap());
        assert!(!is_there());

        symlink("/dev/pts/no-such-device", &link).unwrap();
        let pty = LinkedPty::make(&link, true).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), pty.device);
        assert_eq!(fs::metadata(&link).unwrap().permissions().mode() & 0o777, FOR_ALL);
        // Of another one, which runs.
        assert!(LinkedPty::make(&link, false).is_err());
        assert_eq!(fs::read_link(&link).unwrap(), pty.device);
        drop(pty);
        assert!(!is_there());

        for make in [
            (|link| fs::write(link, "mine")) as fn(&Path) -> io::Result<()>,
            |link| fs::create_dir(link),
            |link| symlink("/dev/null", link),
        ] {
            make(&link).unwrap();
            let refused = LinkedPty::make(&link, false).err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists, "{refused}");
            assert!(is_there());
            let _ = fs::remove_file(&link).or_else(|_| fs::remove_dir(&link));
        }
    }

    #[test]
    fn somebody_at_the_other_end_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("tcode");
        let pty = LinkedPty::make(&link, false).unwrap();
        let open = || fs::OpenOptions::new().read(true).write(true).open(&link).unwrap();
        for _ in 0..2 {
            // At first nobody has had it open, which counts as open on some kernels.
            let there = open();
            assert!(pty.is_open().unwrap());
            drop(there);
            assert!(!pty.is_open().unwrap());
            pty.make_raw().unwrap();
        }
    }
}
