//! Where cases run: in the lab, in namespaces, or against a device.

use roamproof::lab_arm::LabArm;
#[cfg(not(feature = "live"))]
use roamproof_harness::ExitCode;
use roamproof_harness::profile::Profile;
use roamproof_harness::run;

#[cfg(feature = "live")]
use super::pause::Scene;
use super::plan::Job;
use super::workers::Worker;
use super::{Arm, AtFailure};
use crate::cli::{Context, Refusal};

/// Where cases run, and what is done where one does not pass.
pub(in crate::cli) struct Stage {
    ground: Ground,
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "there is nothing to look at"))]
    at_failure: (AtFailure, Context),
}

enum Ground {
    Lab,
    #[cfg(feature = "live")]
    Live(roamproof::live_arm::Live),
    #[cfg(feature = "live")]
    Device(roamproof::live_arm::Live, roamproof::device::Device),
}

impl Stage {
    #[cfg_attr(not(feature = "live"), expect(unused_variables, reason = "a device is live"))]
    pub(in crate::cli) fn enter(
        arm: Arm,
        profile: Option<&Profile>,
        at_failure: (AtFailure, Context),
    ) -> Result<Self, Refusal> {
        let ground = match arm {
            Arm::Lab if at_failure.0 != AtFailure::GoOn => {
                return Err(Refusal::usage(
                    "a simulated network cannot be entered",
                    "say --arm live, or name a device",
                ));
            }
            Arm::Lab => Ground::Lab,
            #[cfg(feature = "live")]
            Arm::Live => {
                let live = roamproof::live_arm::Live::enter().map_err(Refusal::arm)?;
                match profile {
                    None => Ground::Live(live),
                    Some(profile) => {
                        let device = live.device(profile.clone());
                        let device = device.map_err(|error| Refusal::arm(error.into()))?;
                        Ground::Device(live, device)
                    }
                }
            }
            #[cfg(not(feature = "live"))]
            Arm::Live => {
                return Err(Refusal {
                    code: ExitCode::Environment,
                    what: "this build has no live arm".to_owned(),
                    cure: "build with --features live on Linux, or say --arm lab".to_owned(),
                });
            }
        };
        Ok(Self { ground, at_failure })
    }

    /// What runs one case after the other in a thread of its own.
    pub(in crate::cli) fn worker(&self) -> Worker {
        match &self.ground {
            Ground::Lab => Box::new(|job: &Job| run::run(job.purpose, &mut LabArm, &job.setting)),
            #[cfg(feature = "live")]
            Ground::Live(live) => self.watching(live.arm()),
            #[cfg(feature = "live")]
            Ground::Device(live, device) => self.watching(live.arm().with_device(device.clone())),
        }
    }

    #[cfg(feature = "live")]
    fn watching(&self, mut arm: roamproof::live_arm::LiveArm) -> Worker {
        let (inside, (at_failure, context)) = (arm.inside(), self.at_failure);
        Box::new(move |job: &Job| {
            run::run_watched(job.purpose, &mut arm, &job.setting, &mut |tester, stop| {
                let inside = &inside;
                let scene = Scene { id: job.purpose.id, stop, inside, tester, context };
                scene.stay(at_failure);
            })
        })
    }
}
