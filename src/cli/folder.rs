//! Folders that a user names for what a run leaves behind.

use std::fs;
use std::io;
use std::path::Path;

use super::Refusal;

/// Makes the folder `path`, where it is not there; nothing in it is overwritten without `force`.
///
/// # Errors
///
/// Where it cannot be made, or holds something and `force` is not said.
pub(crate) fn make_ready(path: &Path, force: bool) -> Result<(), Refusal> {
    let taken = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if taken && !force {
        return Err(Refusal::usage(
            format!("{} is not empty", path.display()),
            "say --force to overwrite what is in it, or name another folder",
        ));
    }
    fs::create_dir_all(path).map_err(|error| unusable(path, &error))
}

/// That a folder cannot be used.
pub(crate) fn unusable(path: &Path, error: &io::Error) -> Refusal {
    Refusal::usage(format!("{}: {error}", path.display()), "name a folder that can be written")
}
