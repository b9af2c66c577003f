//! Which transaction a message belongs to (RFC 3261 17.1.3, 17.2.3).

use roamproof_wire::WireError;
use roamproof_wire::sip::{Fields, Message, Method};

/// Names a client transaction: its branch and its method.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientKey {
    /// The branch that this element made.
    pub branch: String,
    /// The method of the request.
    pub method: Method,
}

/// Names a server transaction.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServerKey {
    /// Branch and sent-by; for a peer that knows only RFC 2543, what its rules compare.
    text: String,
    /// The method of the request, INVITE for an ACK.
    method: Method,
}

impl ClientKey {
    /// The transaction that `response` answers.
    ///
    /// # Errors
    ///
    /// Where its topmost Via has no branch or a field is unreadable.
    pub fn of_response(response: &Message) -> Result<Self, WireError> {
        let missing = WireError::missing("Via", 0, "branch");
        let branch = response.via()?.branch().ok_or(missing)?.to_owned();
        Ok(Self { branch, method: response.cseq()?.method })
    }
}

impl ServerKey {
    /// The transaction that `request` starts or belongs to.
    ///
    /// # Errors
    ///
    /// Where a field is unreadable.
    pub fn of_request(request: &Message) -> Result<Self, WireError> {
        let via = request.via()?;
        let cseq = request.cseq()?;
        let method = if cseq.method == Method::Ack { Method::Invite } else { cseq.method };
        let sent_by = format!("{}:{}", via.host, via.effective_port()).to_ascii_lowercase();
        let text = match via.branch() {
            Some(branch) if via.has_magic_cookie() => format!("{branch} {sent_by}"),
            Some(_) | None => {
                let tag = request.from()?.tag().unwrap_or_default().to_owned();
                let uri = request.uri_text().unwrap_or_default();
                let call_id = request.call_id()?;
                format!("{uri} {tag} {call_id} {} {sent_by} {:?}", cseq.number, via.branch())
            }
        };
        Ok(Self { text, method })
    }

    /// The INVITE transaction that a CANCEL with this key is for (RFC 3261 9.2).
    #[must_use]
    pub fn of_cancelled_invite(&self) -> Self {
        Self { text: self.text.clone(), method: Method::Invite }
    }

    /// The method of the request.
    pub const fn method(&self) -> &Method {
        &self.method
    }
}
