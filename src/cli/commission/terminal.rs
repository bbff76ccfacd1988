//! The terminal's mode while the walk reads single keys.

use std::io::{self, IsTerminal as _, Stdin};

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr,
};

/// True if a person sits there: keys come in, and what is written is seen.
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Reads single keys, without echo, until it is dropped; a panic unwinds, and drops it, too.
///
/// Output is translated as ever, so that a message of the program needs no carriage return of its own.
#[derive(Debug)]
pub struct SingleKeyMode {
    terminal: Stdin,
    before: Termios,
}

impl SingleKeyMode {
    /// Begins it. What was typed before is dropped: it answers no question of the walk.
    pub fn begin() -> io::Result<SingleKeyMode> {
        let terminal = io::stdin();
        let before = tcgetattr(&terminal)?;
        let mut mode = before.clone();
        // Ctrl-C and Ctrl-\ are keys, which send STOP; Ctrl-Z would suspend the walk in a motion, Ctrl-S its output.
        mode.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN;
        mode.input_modes -= InputModes::IXON;
        mode.special_codes[SpecialCodeIndex::VMIN] = 1;
        mode.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(&terminal, OptionalActions::Flush, &mode)?;
        Ok(SingleKeyMode { terminal, before })
    }
}

impl Drop for SingleKeyMode {
    fn drop(&mut self) {
        // A terminal that is gone has no mode. The rest of a held key is no command of the shell.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
