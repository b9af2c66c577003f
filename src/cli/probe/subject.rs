//! Who is probed: the reference in one role, or a vendor's device, and the profile to be completed.

use std::fs;
use std::path::{Path, PathBuf};

use roamproof::lab_arm::LabArm;
use roamproof_harness::feature::Features;
use roamproof_harness::probe::{Answer, Asking, Question};
use roamproof_harness::profile::{Profile, links_of};
use roamproof_harness::topology::Role;
use roamproof_node::misdeed;

use super::{Args, Arm};
use crate::cli::Refusal;

/// Who is probed.
pub(super) struct Subject {
    roles: Vec<Role>,
    /// The profile whose features are asked for.
    text: String,
    declared: Features,
    profile: Option<Profile>,
    misdeeds: Vec<String>,
    stage: Stage,
}

/// Where it stands.
enum Stage {
    Lab,
    #[cfg(feature = "live")]
    Live(roamproof::live_arm::Live),
    #[cfg(feature = "live")]
    Device(roamproof::live_arm::Live, roamproof::device::Device),
}

impl Subject {
    /// Whom the command line names, on its stage.
    ///
    /// # Errors
    ///
    /// A profile that cannot be read, a misdeed that there is not, a stage that cannot be entered.
    pub(super) fn of(args: &Args, role: Option<Role>) -> Result<Self, Refusal> {
        let described = match (&args.device, &args.attach, role) {
            (Some(file), ..) => Some((written(file)?, file.clone())),
            (None, Some(interface), Some(role)) => {
                Some((attached(args, interface, role), PathBuf::from("--attach")))
            }
            (None, ..) => None,
        };
        if let Some((text, file)) = described {
            let profile = Profile::parse(&text, &file, &|name| std::env::var(name).ok())
                .map_err(|error| Refusal::usage(error.to_string(), error.cure))?;
            return Ok(Self {
                roles: profile.roles.clone(),
                text,
                declared: profile.features.clone(),
                misdeeds: Vec::new(),
                stage: Stage::of_device(&profile)?,
                profile: Some(profile),
            });
        }
        let role = role.filter(|role| *role != Role::Router).ok_or_else(|| {
            Refusal::usage(
                "nobody is asked",
                "say --device FILE, or --role with one of MT, HA, CN, SS",
            )
        })?;
        known_misdeeds(&args.misdeeds, role)?;
        Ok(Self {
            roles: vec![role],
            text: reference_of(role).to_owned(),
            declared: Features::reference(),
            profile: None,
            misdeeds: args.misdeeds.clone(),
            stage: Stage::of_reference(args.arm)?,
        })
    }

    /// The roles that it plays.
    pub(super) fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// What its profile says of its features.
    pub(super) const fn declared(&self) -> &Features {
        &self.declared
    }

    /// Its profile as it stands.
    pub(super) fn profile_text(&self) -> &str {
        &self.text
    }

    /// What it answers.
    ///
    /// # Errors
    ///
    /// Where its network cannot be set up.
    pub(super) fn answers(&self, question: &'static Question) -> Result<Answer, Refusal> {
        let asking = Asking {
            seed: 1,
            misdeeds: &self.misdeeds,
            profile: self.profile.as_ref(),
            change: &|_| (),
        };
        let answer = match &self.stage {
            Stage::Lab => question.put(&mut LabArm, &asking),
            #[cfg(feature = "live")]
            Stage::Live(live) => question.put(&mut live.arm(), &asking),
            #[cfg(feature = "live")]
            Stage::Device(live, device) => {
                question.put(&mut live.arm().with_device(device.clone()), &asking)
            }
        };
        answer.map_err(Refusal::arm)
    }
}

impl Stage {
    #[cfg(feature = "live")]
    fn of_reference(arm: Arm) -> Result<Self, Refusal> {
        match arm {
            Arm::Lab => Ok(Self::Lab),
            Arm::Live => Ok(Self::Live(roamproof::live_arm::Live::enter().map_err(Refusal::arm)?)),
        }
    }

    #[cfg(feature = "live")]
    fn of_device(profile: &Profile) -> Result<Self, Refusal> {
        let live = roamproof::live_arm::Live::enter().map_err(Refusal::arm)?;
        let device = live.device(profile.clone()).map_err(|error| Refusal::arm(error.into()))?;
        Ok(Self::Device(live, device))
    }

    #[cfg(not(feature = "live"))]
    fn of_reference(arm: Arm) -> Result<Self, Refusal> {
        match arm {
            Arm::Lab => Ok(Self::Lab),
            Arm::Live => Err(no_live()),
        }
    }

    #[cfg(not(feature = "live"))]
    fn of_device(_: &Profile) -> Result<Self, Refusal> {
        Err(no_live())
    }
}

#[cfg(not(feature = "live"))]
fn no_live() -> Refusal {
    Refusal {
        code: roamproof_harness::ExitCode::Environment,
        what: "this build has no live arm".to_owned(),
        cure: "build with --features live on Linux, or ask the reference with --arm lab".to_owned(),
    }
}

fn written(file: &Path) -> Result<String, Refusal> {
    fs::read_to_string(file).map_err(|error| {
        let what = format!("{}: {error}", file.display());
        Refusal::usage(what, "name a file that can be read; profiles/ has some to start from")
    })
}

/// The profile of a device of which nothing is known but where it is and what it plays.
fn attached(args: &Args, interface: &str, role: Role) -> String {
    let links: Vec<String> = links_of(role).iter().map(|link| format!("{link:?}")).collect();
    let namespace =
        args.namespace.as_ref().map_or_else(String::new, |one| format!("namespace = {one:?}\n"));
    let mac = args.mac.as_deref().unwrap_or_default();
    format!(
        "# Begun by `roamproof probe`: what nobody can ask for, such as triggers, is yours to add.\n\n\
         [device]\nname = \"device behind {interface}\"\n\n\
         [attach]\nmode = \"interface\"\n{namespace}\n\
         [[attach.interface]]\nname = {interface:?}\nlinks = [{}]\nmac = {mac:?}\n\n\
         [roles]\nplays = [\"{}\"]\n\n[features]\n",
        links.join(", "),
        role.name(),
    )
}

fn known_misdeeds(names: &[String], role: Role) -> Result<(), Refusal> {
    let owned = names.to_vec();
    misdeed::Misdeeds::named(role.name(), &owned).map(drop).map_err(|error| {
        Refusal::usage(error.to_string(), "`roamproof prove --role` prints the misdeeds of a role")
    })
}

/// The profile of the reference in a role.
const fn reference_of(role: Role) -> &'static str {
    match role {
        Role::MobileTerminal => include_str!("../../../profiles/reference-mn.toml"),
        Role::HomeAgent => include_str!("../../../profiles/reference-ha.toml"),
        Role::Correspondent => include_str!("../../../profiles/reference-cn.toml"),
        Role::SipServer => include_str!("../../../profiles/reference-sip-server.toml"),
        Role::Router => "",
    }
}
