//! A node's interface on a real device: one pcap handle.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use pcap::{Active, Capture, Device, Direction, Precision};

/// One open device.
pub struct Port {
    capture: Capture<Active>,
    device: String,
    /// The oldest frame not given out yet, and when it came.
    head: Option<(Duration, Vec<u8>)>,
    frames: u32,
    dropped: u32,
}

impl Port {
    /// Opens `device` for whole frames both ways.
    ///
    /// # Errors
    ///
    /// Where there is no such device, it is down, or the rights for packet sockets are missing.
    pub fn open(device: &str) -> io::Result<Self> {
        let said = |error: pcap::Error| io::Error::other(format!("{device}: {error}"));
        let capture = Capture::from_device(Device::from(device))
            .map_err(said)?
            .promisc(true)
            .immediate_mode(true)
            // A larger one leaves room for 32 frames only, and most of a burst is lost.
            .snaplen(SNAPLEN)
            .buffer_size(BUFFER)
            .precision(Precision::Nano)
            .open()
            .map_err(said)?
            .setnonblock()
            .map_err(said)?;
        capture.direction(Direction::In).map_err(said)?;
        Ok(Self { capture, device: device.to_owned(), head: None, frames: 0, dropped: 0 })
    }

    /// When the oldest frame came that was not taken yet; `None` where there is none.
    ///
    /// # Errors
    ///
    /// Where the device is gone.
    pub fn next_stamp(&mut self) -> io::Result<Option<Duration>> {
        if self.head.is_none() {
            self.head = self.read()?;
        }
        Ok(self.head.as_ref().map(|(stamp, _)| *stamp))
    }

    /// Takes the oldest frame.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.head.take().map(|(_, octets)| octets)
    }

    /// Sends a frame.
    ///
    /// # Errors
    ///
    /// Where the device does not take it.
    pub fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.capture
            .sendpacket(octets)
            .map_err(|error| io::Error::other(format!("{}: {error}", self.device)))
    }

    /// How many frames were lost, because the node was too slow, since this was last asked.
    pub fn newly_dropped(&mut self) -> u32 {
        let Ok(statistics) = self.capture.stats() else { return 0 };
        let newly = statistics.dropped.wrapping_sub(self.dropped);
        self.dropped = statistics.dropped;
        newly
    }

    /// Whether so many frames have come that it is time to ask for lost ones.
    pub const fn is_due_for_count(&self) -> bool {
        self.frames.is_multiple_of(FRAMES_A_COUNT)
    }

    /// The device's name.
    pub fn device(&self) -> &str {
        &self.device
    }

    fn read(&mut self) -> io::Result<Option<(Duration, Vec<u8>)>> {
        match self.capture.next_packet() {
            Ok(packet) => {
                let seconds = u64::try_from(packet.header.ts.tv_sec).unwrap_or_default();
                // With Precision::Nano this field counts nanoseconds.
                let nanoseconds = u32::try_from(packet.header.ts.tv_usec).unwrap_or_default();
                self.frames = self.frames.wrapping_add(1);
                Ok(Some((Duration::new(seconds, nanoseconds), packet.data.to_vec())))
            }
            Err(pcap::Error::TimeoutExpired | pcap::Error::NoMorePackets) => Ok(None),
            Err(error) => Err(io::Error::other(format!("{}: {error}", self.device))),
        }
    }
}

impl AsFd for Port {
    #[expect(unsafe_code, reason = "pcap lends its descriptor as a number only")]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the handle keeps its descriptor open for as long as it lives.
        unsafe { BorrowedFd::borrow_raw(self.capture.as_raw_fd()) }
    }
}

/// Octets of a frame that are kept: all of it, at an Ethernet's MTU.
const SNAPLEN: i32 = 2048;

/// Octets of the ring in which frames wait.
const BUFFER: i32 = 8 << 20;

/// Frames between two looks at the number of lost ones.
const FRAMES_A_COUNT: u32 = 1024;
