//! Keygen tokens and the key made of them (RFC 6275 §5.2.5).

use std::fmt;
use std::net::Ipv6Addr;

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};

use super::header::array_at;

/// The binding management key, Kbm: what a Binding Update to a correspondent is proved with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BindingManagementKey(pub [u8; 20]);

/// First(64, HMAC_SHA1(Kcn, home address | nonce | 0)).
pub fn home_keygen_token(kcn: &[u8; 20], home_address: Ipv6Addr, nonce: [u8; 8]) -> [u8; 8] {
    keygen_token(kcn, home_address, nonce, 0)
}

/// First(64, HMAC_SHA1(Kcn, care-of address | nonce | 1)).
pub fn care_of_keygen_token(kcn: &[u8; 20], care_of: Ipv6Addr, nonce: [u8; 8]) -> [u8; 8] {
    keygen_token(kcn, care_of, nonce, 1)
}

impl BindingManagementKey {
    /// SHA1(home keygen token | care-of keygen token).
    pub fn new(home_token: [u8; 8], care_of_token: [u8; 8]) -> Self {
        Self(Sha1::new().chain_update(home_token).chain_update(care_of_token).finalize().into())
    }

    /// SHA1(home keygen token): the key of an update that removes a binding from home.
    pub fn for_deletion(home_token: [u8; 8]) -> Self {
        Self(Sha1::digest(home_token).into())
    }
}

/// Keys are not printed.
impl fmt::Debug for BindingManagementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BindingManagementKey(..)")
    }
}

fn keygen_token(kcn: &[u8; 20], address: Ipv6Addr, nonce: [u8; 8], kind: u8) -> [u8; 8] {
    let mut mac = Hmac::<Sha1>::new_from_slice(kcn).expect("HMAC takes keys of any length");
    mac.update(&address.octets());
    mac.update(&nonce);
    mac.update(&[kind]);
    array_at(&mac.finalize().into_bytes(), 0)
}
