//! Addresses and identifiers that a device keeps in place of the claimed network's.

use std::net::Ipv6Addr;

use crate::plan::Plan;

/// What a profile puts in place of the claimed network's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// The home agent.
    pub home_agent: Option<Ipv6Addr>,
    /// The SIP server.
    pub sip_server: Option<Ipv6Addr>,
    /// The correspondent.
    pub correspondent: Option<Ipv6Addr>,
    /// Where the correspondent's media comes from, where that is another.
    pub correspondent_media: Option<Ipv6Addr>,
    /// The mobile terminal's home address.
    pub home_address: Option<Ipv6Addr>,
    /// The mobile terminal's identifier.
    pub identifier: Option<String>,
    /// The correspondent's identifier.
    pub correspondent_identifier: Option<String>,
    /// The SIP domain.
    pub domain: Option<String>,
}

impl Addresses {
    /// Changes a plan accordingly.
    pub(super) fn put_into(&self, plan: &mut Plan) {
        let addresses = [
            (self.home_agent, &mut plan.ha),
            (self.sip_server, &mut plan.ss),
            (self.correspondent, &mut plan.cn),
            (self.correspondent_media, &mut plan.cn_media),
            (self.home_address, &mut plan.hoa),
        ];
        for (said, planned) in addresses {
            *planned = said.unwrap_or(*planned);
        }
        if let Some(domain) = &self.domain {
            plan.domain.clone_from(domain);
            // Who keeps no identifier of its own has one of that domain.
            for planned in
                [&mut plan.mt_identifier, &mut plan.mt2_identifier, &mut plan.cn_identifier]
            {
                let user = planned.split('@').next().unwrap_or_default();
                *planned = format!("{user}@{domain}");
            }
        }
        let names = [
            (&self.identifier, &mut plan.mt_identifier),
            (&self.correspondent_identifier, &mut plan.cn_identifier),
        ];
        for (said, planned) in names {
            if let Some(said) = said {
                planned.clone_from(said);
            }
        }
    }
}
