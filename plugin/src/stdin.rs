//! Standard input that can be waited for and given up.

use std::{
    io::{self, Read},
    time::Duration,
};

use oci_artifact::archive::Control;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Time between two looks at whether the command was interrupted.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads standard input; ends in an error soon after `control` is cancelled, even if nobody writes.
pub(crate) struct Stdin {
    control: Control,
}

impl Stdin {
    pub(crate) fn new(control: Control) -> Self {
        Self { control }
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let stdin = io::stdin().lock();
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        loop {
            if self.control.is_cancelled() {
                return Err(io::Error::other("interrupted"));
            }
            let mut waiting = [PollFd::new(&stdin, PollFlags::IN)];
            match poll(&mut waiting, Some(&patience)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(rustix::io::read(&stdin, buffer)?),
                Err(error) => return Err(error.into()),
            }
        }
    }
}
