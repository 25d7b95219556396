//! The socket between parent and worker: whole frames, and descriptors beside them.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use crate::wire::{LONGEST_FRAME, MOST_OUTPUTS};

/// Room for the descriptors of one job.
const CONTROL: usize = cmsg_space!(ScmRights(MOST_OUTPUTS + 1));

/// One end of the socket.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

/// A frame that came in.
pub(crate) struct Frame {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// What was passed with it.
    pub(crate) descriptors: Vec<OwnedFd>,
}

impl Channel {
    /// Both ends; neither survives an exec.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub(crate) fn pair() -> io::Result<(Self, OwnedFd)> {
        // Only Linux keeps both the frames and their order, and says when the other end is gone.
        let kind = if cfg!(target_os = "linux") {
            SocketType::SEQPACKET
        } else {
            SocketType::DGRAM
        };
        #[cfg(target_os = "linux")]
        let flags = SocketFlags::CLOEXEC;
        #[cfg(not(target_os = "linux"))]
        let flags = SocketFlags::empty();
        let (ours, theirs) = rustix::net::socketpair(AddressFamily::UNIX, kind, flags, None)?;
        #[cfg(not(target_os = "linux"))]
        for end in [&ours, &theirs] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
        }
        Ok((Self(ours), theirs))
    }

    /// The worker's end.
    pub(crate) fn new(end: OwnedFd) -> Self {
        Self(end)
    }

    /// Sends a frame; blocks while the socket is full.
    ///
    /// # Errors
    /// When the other end is gone.
    pub(crate) fn send(&self, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let mut space = [MaybeUninit::uninit(); CONTROL];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::other("too many descriptors for one message"));
        }
        // The Rust runtime ignores SIGPIPE; a worker's does too.
        let parts = [IoSlice::new(frame)];
        loop {
            let sent = rustix::net::sendmsg(&self.0, &parts, &mut control, SendFlags::empty());
            match sent {
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }

    /// The next frame with its descriptors; `None` when the other end is gone.
    ///
    /// # Errors
    /// A frame that was cut short.
    pub(crate) fn receive(&self) -> io::Result<Option<Frame>> {
        let mut space = [MaybeUninit::uninit(); CONTROL];
        self.receive_into(RecvAncillaryBuffer::new(&mut space))
    }

    /// The next frame from somebody who may pass nothing: the kernel closes what is passed.
    ///
    /// # Errors
    /// A frame that was cut short.
    pub(crate) fn receive_alone(&self) -> io::Result<Option<Vec<u8>>> {
        let frame = self.receive_into(RecvAncillaryBuffer::default())?;
        Ok(frame.map(|frame| frame.bytes))
    }

    fn receive_into(&self, mut control: RecvAncillaryBuffer<'_>) -> io::Result<Option<Frame>> {
        let mut bytes = vec![0; LONGEST_FRAME];
        #[cfg(target_os = "linux")]
        let flags = RecvFlags::CMSG_CLOEXEC;
        #[cfg(not(target_os = "linux"))]
        let flags = RecvFlags::empty();
        let message = loop {
            let mut parts = [IoSliceMut::new(&mut bytes)];
            match rustix::net::recvmsg(&self.0, &mut parts, &mut control, flags) {
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::CONNRESET) => return Ok(None),
                other => break other?,
            }
        };
        let messages = control.drain();
        let descriptors = messages.flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => descriptors.collect(),
            _ => Vec::new(),
        });
        let descriptors: Vec<_> = descriptors.collect();
        if message
            .flags
            .intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC)
        {
            return Err(io::Error::other("a message was cut short"));
        }
        if message.bytes == 0 {
            return Ok(None);
        }
        bytes.truncate(message.bytes);
        Ok(Some(Frame { bytes, descriptors }))
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_keep_their_borders_and_bring_descriptors() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel::new(theirs);
        let file = tempfile::tempfile().unwrap();
        ours.send(b"one", &[]).unwrap();
        ours.send(b"two", &[file.as_fd(), file.as_fd()]).unwrap();
        let one = theirs.receive().unwrap().unwrap();
        assert_eq!(
            (one.bytes.as_slice(), one.descriptors.len()),
            (&b"one"[..], 0)
        );
        let two = theirs.receive().unwrap().unwrap();
        assert_eq!(
            (two.bytes.as_slice(), two.descriptors.len()),
            (&b"two"[..], 2)
        );
        drop(ours);
        assert!(theirs.receive().unwrap().is_none());
    }

    #[test]
    fn who_may_pass_nothing_passes_nothing() {
        let (ours, theirs) = Channel::pair().unwrap();
        let theirs = Channel::new(theirs);
        let file = tempfile::tempfile().unwrap();
        theirs.send(b"gift", &[file.as_fd()]).unwrap();
        assert!(ours.receive_alone().is_err());
        theirs.send(b"word", &[]).unwrap();
        assert_eq!(ours.receive_alone().unwrap().unwrap(), b"word");
        theirs.send(&vec![1; LONGEST_FRAME + 1], &[]).unwrap();
        assert!(ours.receive_alone().is_err());
    }
}
