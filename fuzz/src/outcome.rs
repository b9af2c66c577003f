//! What came of one input: it holds, or fails with a signature by which findings are told apart.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use crate::Target;

/// Where and why a target failed: the same defect gives the same one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature {
    /// `fuzz/src/node.rs:120`, or what ended the process.
    pub place: String,
    /// What the panic said, its numbers left out.
    pub message: String,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl Target {
    /// Runs the oracle over `octets`; a panic is what it found. A loop without end does not come
    /// back, and an abort ends the process: run it in one that may.
    ///
    /// # Errors
    ///
    /// The signature of the panic.
    pub fn run(&self, octets: &[u8]) -> Result<(), Signature> {
        catch(|| self.judge(octets))
    }

    /// The oracle, and a seeded defect behind it where one is planted.
    pub(crate) fn judge(&self, octets: &[u8]) {
        self.hold(octets);
        #[cfg(feature = "misdeeds")]
        crate::defect::strike(self.name, octets);
    }
}

/// Runs `body`; a panic in it is told by its signature and not printed.
pub(crate) fn catch(body: impl FnOnce()) -> Result<(), Signature> {
    listen();
    LAST.with_borrow_mut(|last| *last = Some(None));
    let ended = panic::catch_unwind(AssertUnwindSafe(body));
    let heard = LAST.with_borrow_mut(Option::take).flatten();
    match ended {
        Ok(()) => Ok(()),
        Err(_) => Err(heard.unwrap_or_else(|| Signature {
            place: "unknown".to_owned(),
            message: "a panic that said nothing".to_owned(),
        })),
    }
}

thread_local! {
    /// While this thread runs an oracle: what its last panic said, if there was one.
    static LAST: RefCell<Option<Option<Signature>>> = const { RefCell::new(None) };
}

/// Hears panics of threads that run an oracle; those of others are printed as before.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let ours = LAST.with_borrow_mut(|last| match last {
                Some(heard) => {
                    *heard = Some(signature(panicked));
                    true
                }
                None => false,
            });
            if !ours {
                before(panicked);
            }
        }));
    });
}

fn signature(panicked: &panic::PanicHookInfo<'_>) -> Signature {
    let payload = panicked.payload();
    let said = payload
        .downcast_ref::<&str>()
        .map(|said| (*said).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default();
    let place = panicked
        .location()
        .map_or_else(|| "unknown".to_owned(), |place| format!("{}:{}", place.file(), place.line()));
    Signature { place, message: without_numbers(said.lines().next().unwrap_or_default()) }
}

/// Numbers differ from input to input; what stays is the defect's own.
fn without_numbers(text: &str) -> String {
    let mut told = String::new();
    for letter in text.chars().take(MESSAGE_MAX) {
        if !letter.is_ascii_digit() {
            told.push(letter);
        } else if !told.ends_with('#') {
            told.push('#');
        }
    }
    told
}

const MESSAGE_MAX: usize = 160;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_defect_has_the_same_signature() {
        let fail =
            |number: u32| catch(|| assert!(number < 10, "{number} octets sent")).unwrap_err();
        assert_eq!(fail(12), fail(3456));
        assert_eq!(fail(12).message, "# octets sent");
        assert!(fail(12).place.contains("outcome.rs:"), "{}", fail(12));
        assert_eq!(catch(|| ()), Ok(()));
    }
}
