//! The plan of a case as a bundle keeps it: addresses and identifiers. Keys are a vendor's and stay out.

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use roamproof_wire::ethernet::Mac;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;

/// Who had which address, identifier and link-layer address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    addresses: BTreeMap<String, Ipv6Addr>,
    links: BTreeMap<String, Ipv6Addr>,
    identifiers: BTreeMap<String, String>,
    /// The security parameter indices.
    spis: BTreeMap<String, u32>,
    /// The link-layer address of the subject, six octets.
    subject: [u8; 6],
    /// Whether a key was another than the claimed network's own, which everybody knows.
    own_keys: bool,
}

impl PlanFile {
    pub(super) fn of(plan: &Plan) -> Self {
        let claimed = Plan::claimed(plan.subject);
        let named = |pairs: &[(&str, Ipv6Addr)]| {
            pairs.iter().map(|(name, address)| ((*name).to_owned(), *address)).collect()
        };
        let mut known = plan.clone();
        Self {
            addresses: addresses(&mut known).map(|(name, place)| (name.to_owned(), *place)).into(),
            links: named(&plan.links),
            identifiers: identifiers(&mut known)
                .map(|(name, place)| (name.to_owned(), place.clone()))
                .into(),
            spis: [("mn_ha", plan.mn_ha.spi), ("ha_ss", plan.ha_ss.spi)]
                .map(|(name, spi)| (name.to_owned(), spi))
                .into(),
            subject: plan.subject.0,
            own_keys: (&plan.mn_ha.octets, &plan.ha_ss.octets)
                != (&claimed.mn_ha.octets, &claimed.ha_ss.octets)
                || plan.sip_password.is_some(),
        }
    }

    /// The plan, with the keys of `keys` where they are the vendor's own; `None` where those are
    /// wanted and not there.
    pub(super) fn plan(&self, keys: Option<&Plan>) -> Option<Plan> {
        if self.own_keys && keys.is_none() {
            return None;
        }
        let mut plan = Plan::claimed(Mac(self.subject));
        if let Some(keys) = keys {
            (plan.mn_ha, plan.ha_ss) = (keys.mn_ha.clone(), keys.ha_ss.clone());
            plan.sip_password.clone_from(&keys.sip_password);
        }
        for (name, place) in addresses(&mut plan) {
            *place = self.addresses.get(name).copied().unwrap_or(*place);
        }
        for (name, place) in identifiers(&mut plan) {
            if let Some(identifier) = self.identifiers.get(name) {
                place.clone_from(identifier);
            }
        }
        for (name, prefix) in &mut plan.links {
            *prefix = self.links.get(*name).copied().unwrap_or(*prefix);
        }
        plan.mn_ha.spi = self.spis.get("mn_ha").copied().unwrap_or(plan.mn_ha.spi);
        plan.ha_ss.spi = self.spis.get("ha_ss").copied().unwrap_or(plan.ha_ss.spi);
        Some(plan)
    }
}

fn addresses(plan: &mut Plan) -> [(&'static str, &mut Ipv6Addr); 8] {
    [
        ("ha", &mut plan.ha),
        ("ha2", &mut plan.ha2),
        ("ss", &mut plan.ss),
        ("cn", &mut plan.cn),
        ("cn2", &mut plan.cn2),
        ("cn_media", &mut plan.cn_media),
        ("hoa", &mut plan.hoa),
        ("hoa2", &mut plan.hoa2),
    ]
}

fn identifiers(plan: &mut Plan) -> [(&'static str, &mut String); 4] {
    [
        ("mt", &mut plan.mt_identifier),
        ("mt2", &mut plan.mt2_identifier),
        ("cn", &mut plan.cn_identifier),
        ("domain", &mut plan.domain),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Key, Password};

    #[test]
    fn a_plan_is_kept_without_keys() {
        let mut plan = Plan::claimed(Mac([2, 0, 0, 0, 0, 1]));
        assert_eq!(PlanFile::of(&plan).plan(None), Some(plan.clone()), "these keys are known");
        plan.ss = "2001:db8:9::9".parse().unwrap();
        plan.domain = "example.org".to_owned();
        plan.links[2].1 = "2001:db8:77::".parse().unwrap();
        plan.mn_ha = Key { spi: 0x1234, octets: b"a vendor's own".to_vec() };
        plan.sip_password = Some(Password("a vendor's too".to_owned()));
        let kept = PlanFile::of(&plan);
        let text = serde_json::to_string(&kept).unwrap();
        assert!(!text.contains("vendor"), "{text}");
        let kept: PlanFile = serde_json::from_str(&text).unwrap();
        assert_eq!(kept.plan(None), None, "the vendor's own keys are wanted");
        assert_eq!(kept.plan(Some(&plan)), Some(plan));
    }
}
