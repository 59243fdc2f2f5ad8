//! Standard input and pipes that can be waited for and given up.

use std::{
    io::{self, Read},
    os::fd::AsFd,
    time::Duration,
};

use oci_artifact::archive::Control;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

/// Time between two looks at whether the command was interrupted.
const PATIENCE: Duration = Duration::from_millis(50);

/// Reads a pipe; ends in an error soon after `control` is cancelled, even if nobody writes.
pub(crate) struct Patient<F> {
    source: F,
    control: Control,
}

/// Standard input.
pub(crate) type Stdin = Patient<io::Stdin>;

impl Stdin {
    pub(crate) fn new(control: Control) -> Self {
        Self::of(io::stdin(), control)
    }
}

impl<F: AsFd> Patient<F> {
    pub(crate) fn of(source: F, control: Control) -> Self {
        Self { source, control }
    }
}

impl<F: AsFd> Read for Patient<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
        loop {
            if self.control.is_cancelled() {
                return Err(io::Error::other("interrupted"));
            }
            let mut waiting = [PollFd::new(&self.source, PollFlags::IN)];
            match poll(&mut waiting, Some(&patience)) {
                Ok(0) | Err(Errno::INTR) => {}
                Ok(_) => match rustix::io::read(&self.source, &mut *buffer) {
                    Err(Errno::AGAIN) => {}
                    other => return Ok(other?),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }
}
