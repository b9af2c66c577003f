//! The list of fuzz targets and what scripts want of them: `targets list`, `targets modules`, `targets dictionary NAME`, `targets
//! replay NAME`.
#![expect(clippy::print_stdout, reason = "scripts read it")]

use std::process::ExitCode;

use roamproof_fuzz::{TARGETS, Target};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            for target in TARGETS {
                println!("{}", target.name);
            }
        }
        ["modules"] => {
            for target in TARGETS {
                println!("{}\t{}", target.name, target.module);
            }
        }
        ["dictionary", name] => {
            let Some(target) = called(name) else { return ExitCode::from(USAGE) };
            print!("{}", target.dictionary().unwrap_or_default());
        }
        ["replay", name] => {
            let Some(target) = called(name) else { return ExitCode::from(USAGE) };
            target.corpus().for_each(|(_, octets)| (target.oracle)(octets));
        }
        _ => return ExitCode::from(USAGE),
    }
    ExitCode::SUCCESS
}

fn called(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

const USAGE: u8 = 2;
