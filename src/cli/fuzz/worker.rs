//! `fuzz worker`: runs inputs in a process of its own and says so, line by line; and the other end of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use roamproof_fuzz::{Signature, Target};
use roamproof_harness::ExitCode;
use serde::{Deserialize, Serialize};

use super::Context;

/// Run inputs one after the other and print a line for each that fails.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The target.
    target: String,

    /// The number of the first input.
    #[arg(long, default_value_t = 0)]
    from: u64,

    /// How many inputs.
    #[arg(long, default_value_t = 0)]
    count: u64,

    /// Say where it is after as many inputs.
    #[arg(long, default_value_t = 100)]
    every: u64,

    /// Octets flipped, without the target's structure.
    #[arg(long)]
    unstructured: bool,

    /// The defect that is planted.
    #[arg(long)]
    defect: Option<String>,

    /// This input, in place of numbers.
    #[arg(long)]
    file: Option<PathBuf>,
}

/// What a worker says.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Line {
    /// All inputs below this number are done.
    At(u64),
    /// This input fails.
    Found {
        /// Its number.
        number: u64,
        /// Where it fails.
        place: String,
        /// What the panic said.
        message: String,
    },
    /// All are done.
    Done,
}

pub(crate) fn run(args: &Args, context: &Context) -> anyhow::Result<ExitCode> {
    let target = super::target(&args.target)?;
    let defect = super::defect(args.defect.as_deref())?;
    bound();
    super::planted(defect, || work(args, target, context))
}

fn work(args: &Args, target: &Target, context: &Context) -> anyhow::Result<ExitCode> {
    let say = |line: &Line| -> anyhow::Result<()> {
        Ok(context.print(&format!("{}\n", serde_json::to_string(line)?))?)
    };
    let found = |number, signature: Signature| Line::Found {
        number,
        place: signature.place,
        message: signature.message,
    };
    if let Some(file) = &args.file {
        if let Err(signature) = target.run(&super::read(file)?) {
            say(&found(0, signature))?;
        }
        say(&Line::Done)?;
        return Ok(ExitCode::Success);
    }
    for number in args.from..args.from.saturating_add(args.count) {
        if (number - args.from).is_multiple_of(args.every.max(1)) {
            say(&Line::At(number))?;
        }
        if let Err(signature) = target.run(&target.input(number, !args.unstructured)) {
            say(&found(number, signature))?;
        }
    }
    say(&Line::Done)?;
    Ok(ExitCode::Success)
}

/// How inputs are made and run.
#[derive(Debug, Clone, Default)]
pub(crate) struct How {
    /// Octets flipped, without the target's structure.
    pub(crate) unstructured: bool,
    /// The defect that is planted.
    pub(crate) defect: Option<String>,
}

impl How {
    fn options(&self) -> Vec<String> {
        let defect = self.defect.iter().map(|name| format!("--defect={name}"));
        defect.chain(self.unstructured.then(|| "--unstructured".to_owned())).collect()
    }
}

/// What came of a run of numbers.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The inputs that fail.
    pub(crate) found: Vec<(u64, Signature)>,
    /// Where it stopped: the number behind the last input that was run.
    pub(crate) next: u64,
}

/// Runs the inputs `from` up to `from + count` in a worker. One that hangs or dies ends the batch and is
/// among what it found.
///
/// # Errors
///
/// Where a worker cannot be started.
pub(crate) fn batch(target: &Target, how: &How, from: u64, count: u64) -> std::io::Result<Batch> {
    let numbers = |from: u64, count: u64, every: u64| {
        [format!("--from={from}"), format!("--count={count}"), format!("--every={every}")]
    };
    let mut batch = Batch { found: Vec::new(), next: from };
    let first = listen(target, how, &numbers(from, count, COARSE), &mut batch)?;
    if first.is_none() {
        batch.next = from + count;
        return Ok(batch);
    }
    // Once more, step by step, from where it last said that all was well.
    let again = batch.next;
    let left = COARSE.min(from + count - again);
    batch.found.retain(|(number, _)| *number < again);
    match listen(target, how, &numbers(again, left, 1), &mut batch)? {
        Some(signature) => {
            batch.found.push((batch.next, signature));
            batch.next += 1;
        }
        None => batch.next = again + left,
    }
    Ok(batch)
}

/// What a file's input does, in a process of its own.
///
/// # Errors
///
/// Where a worker cannot be started.
pub(crate) fn try_file(
    target: &Target,
    how: &How,
    file: &Path,
) -> std::io::Result<Option<Signature>> {
    let mut batch = Batch::default();
    let died = listen(target, how, &[format!("--file={}", file.display())], &mut batch)?;
    Ok(died.or_else(|| batch.found.pop().map(|(_, signature)| signature)))
}

/// Cuts a finding down in a process of its own; the file of what is left, or `None` where it did not
/// end in time.
///
/// # Errors
///
/// Where the process cannot be started.
pub(crate) fn cut(target: &Target, how: &How, file: &Path) -> std::io::Result<Option<PathBuf>> {
    let small = file.with_extension("min");
    let words = ["fuzz", "minimise", "--time=30", "--target", target.name];
    let defect = how.defect.iter().map(|name| format!("--defect={name}"));
    let mut child = Child::start(words.map(str::to_owned).into_iter().chain(defect), Some(file))?;
    let ended = loop {
        match child.lines.recv_timeout(CUT_MAX) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => {
                child.process.kill()?;
                break false;
            }
            Err(RecvTimeoutError::Disconnected) => break true,
        }
    };
    Ok((child.end()?.success() && ended).then_some(small))
}

/// A process of this program that is heard line by line.
struct Child {
    process: std::process::Child,
    lines: mpsc::Receiver<String>,
    reader: thread::JoinHandle<()>,
}

impl Child {
    #[expect(clippy::disallowed_methods, reason = "what is fuzzed may hang or die: not here")]
    fn start(words: impl Iterator<Item = String>, file: Option<&Path>) -> std::io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(words)
            .args(file)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let printed = process.stdout.take().ok_or_else(|| std::io::Error::other("no pipe"))?;
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            for line in BufReader::new(printed).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self { process, lines, reader })
    }

    /// Waits for its end; whoever cannot wait has killed it before.
    fn end(mut self) -> std::io::Result<ExitStatus> {
        let status = self.process.wait()?;
        // It ends with the pipe.
        let _ = self.reader.join();
        Ok(status)
    }
}

/// Starts a worker and hears it to its end; returns how it ended, where that was not as it should.
fn listen(
    target: &Target,
    how: &How,
    options: &[String],
    batch: &mut Batch,
) -> std::io::Result<Option<Signature>> {
    let words = ["fuzz", "worker", target.name].map(str::to_owned);
    let words = words.into_iter().chain(options.iter().cloned()).chain(how.options());
    let mut child = Child::start(words, None)?;
    let mut done = false;
    let ended = loop {
        match child.lines.recv_timeout(ANSWER_MAX) {
            Ok(line) => match serde_json::from_str(&line) {
                Ok(Line::At(number)) => batch.next = number,
                Ok(Line::Found { number, place, message }) => {
                    batch.found.push((number, Signature { place, message }));
                }
                Ok(Line::Done) => done = true,
                Err(_) => {}
            },
            Err(RecvTimeoutError::Timeout) => {
                child.process.kill()?;
                let message = format!("no end in {} s", ANSWER_MAX.as_secs());
                break Some(Signature { place: "process".to_owned(), message });
            }
            Err(RecvTimeoutError::Disconnected) => break None,
        }
    };
    let status = child.end()?;
    Ok(ended.or_else(|| {
        (!done)
            .then(|| Signature { place: "process".to_owned(), message: format!("ended: {status}") })
    }))
}

/// Memory without bound is a finding too; and a worker that hangs does not outlive who waits for it.
#[cfg(feature = "live")]
fn bound() {
    use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        tracing::debug!("it may outlive its parent: {error}");
    }
    let limit = Rlimit { current: Some(MEMORY_MAX), maximum: Some(MEMORY_MAX) };
    if let Err(error) = setrlimit(Resource::As, limit) {
        tracing::debug!("memory is not bounded: {error}");
    }
}

#[cfg(not(feature = "live"))]
fn bound() {}

/// A worker that says nothing for so long hangs: a hundred inputs take far less.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Cutting one finding takes seconds and ends by itself after thirty; one whose last try hangs stays as long as it is.
const CUT_MAX: Duration = Duration::from_secs(60);
/// Inputs between two words of a worker.
const COARSE: u64 = 100;
/// Octets of address space that a worker may take.
#[cfg(feature = "live")]
const MEMORY_MAX: u64 = 2 << 30;
