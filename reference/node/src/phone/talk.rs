//! The media side of one call: what was offered and answered, where media goes, when it ends.

use std::time::Duration;

use roamproof_wire::WireError;
use roamproof_wire::sdp::{LocalMedia, NoCommonMedia, SessionDescription};

use super::config::SipConfig;
use crate::entropy::Entropy;
use crate::media::{Endpoint, Media, PCMU};
use crate::{Instant, Wakeup};

/// One call's media.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) media: Media,
    local: LocalMedia,
    /// What the next 200 of ours carries.
    pub(super) description: Option<SessionDescription>,
    remote: Option<Remote>,
    /// The owner let responses out.
    pub(super) released: bool,
    /// The user said that he answers.
    pub(super) answer_wanted: bool,
    pub(super) answer_at: Option<Instant>,
    /// We called: who calls also hangs up.
    pub(super) ours: bool,
    pub(super) hang_up_at: Option<Instant>,
    /// When the other side's media was heard last, or both agreed on where it goes.
    heard_at: Option<Instant>,
    packets_max: Option<u32>,
    silence_max: Option<Duration>,
    begun: bool,
}

/// Where the other side wants its media, and in which encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Remote {
    endpoint: Endpoint,
    payload_type: u8,
}

/// How long the other side's last packets may be under way when ours are all sent.
const HANG_UP_PAUSE: Duration = Duration::from_millis(200);

impl Talk {
    pub(super) fn new(local: Endpoint, config: &SipConfig, entropy: &mut Entropy) -> Self {
        let session_id = entropy.next_u64() >> 16;
        Self {
            media: Media::listen(local, entropy),
            local: LocalMedia::audio(local.0, local.1, session_id),
            description: None,
            remote: None,
            released: false,
            answer_wanted: false,
            answer_at: None,
            ours: false,
            hang_up_at: None,
            heard_at: None,
            packets_max: config.talk_packets,
            silence_max: config.silence_max(),
            begun: false,
        }
    }

    /// What this side offers.
    pub(super) fn offer(&self) -> SessionDescription {
        self.local.offer()
    }

    /// Takes the other side's offer, or that it made none, and prepares what 200 carries.
    pub(super) fn take_offer(
        &mut self,
        offer: Option<&SessionDescription>,
    ) -> Result<(), NoCommonMedia> {
        if self.description.is_some() {
            self.local.session_version += 1;
        }
        self.description = Some(match offer {
            Some(offer) => self.local.answer(offer)?,
            None => self.local.offer(),
        });
        if let Some(offer) = offer {
            self.remote = remote_of(offer);
        }
        Ok(())
    }

    /// Takes the other side's answer to our offer.
    pub(super) fn take_answer(&mut self, answer: &SessionDescription) {
        self.remote = remote_of(answer);
    }

    /// Both sides know where media goes: sends it, or sends it elsewhere from now on.
    pub(super) fn flow(&mut self, now: Instant) {
        self.heard_at = self.remote.map(|_| now);
        match self.remote {
            Some(remote) if !self.begun => {
                self.begun = true;
                self.media.begin(now, remote.endpoint, remote.payload_type, self.packets_max);
            }
            Some(remote) => self.media.redirect(remote.endpoint),
            None => self.media.stop(),
        }
    }

    /// Sends nothing more, and does not mind silence.
    pub(super) fn stop(&mut self) {
        self.media.stop();
        self.ignore_silence();
    }

    pub(super) const fn ignore_silence(&mut self) {
        self.heard_at = None;
    }

    /// Plans the end of a call whose media is all sent.
    pub(super) fn plan_end(&mut self, now: Instant) {
        if self.ours && self.media.is_done() && self.hang_up_at.is_none() {
            self.hang_up_at = Some(now + HANG_UP_PAUSE);
        }
    }

    /// Takes in a packet of the other side.
    pub(super) fn hear(&mut self, now: Instant, payload: &[u8]) -> Result<(), WireError> {
        self.media.receive(payload)?;
        if self.media.poll_timeout().is_some() || self.media.is_done() {
            self.heard_at = Some(now);
        }
        Ok(())
    }

    /// When the other side has been silent for too long.
    pub(super) fn silent_at(&self) -> Option<Instant> {
        Some(self.heard_at? + self.silence_max?)
    }

    pub(super) fn wakeup(&self) -> Option<Wakeup> {
        let silent = self.silent_at().map(|at| Wakeup { at, why: "other side silent" });
        let answer = self.answer_at.map(|at| Wakeup { at, why: "call answered" });
        let hang_up = self.hang_up_at.map(|at| Wakeup { at, why: "call ended" });
        [self.media.poll_timeout(), answer, hang_up, silent].into_iter().fold(None, Wakeup::sooner)
    }
}

/// The first active audio stream that IPv6 reaches.
fn remote_of(description: &SessionDescription) -> Option<Remote> {
    let at = description.streams().into_iter().position(|stream| {
        stream.kind == "audio" && stream.is_active() && stream.address.ipv6().is_some()
    })?;
    let stream = description.streams().into_iter().nth(at)?;
    let media = description.view().media().nth(at)?.ok()?;
    let payload_type = media.formats.split(' ').next().and_then(|format| format.parse().ok());
    Some(Remote {
        endpoint: (stream.address.ipv6()?, stream.port),
        payload_type: payload_type.unwrap_or(PCMU),
    })
}
