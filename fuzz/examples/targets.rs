//! The list of fuzz targets and their dictionaries, for scripts: `targets list`, `targets dictionary NAME`.
#![expect(clippy::print_stdout, reason = "scripts read it")]

use std::process::ExitCode;

use roamproof_fuzz::TARGETS;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["list"] => {
            for target in TARGETS {
                println!("{}", target.name);
            }
        }
        ["dictionary", name] => {
            let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
                return ExitCode::from(USAGE);
            };
            print!("{}", target.dictionary().unwrap_or_default());
        }
        _ => return ExitCode::from(USAGE),
    }
    ExitCode::SUCCESS
}

const USAGE: u8 = 2;
