//! The kill matrix as it was last reviewed: `specs/kills.txt`, embedded, for builds that cannot try
//! misdeeds.

/// What `prove` printed when it was reviewed.
pub const TEXT: &str = include_str!("../../specs/kills.txt");

/// The misdeeds that a purpose kills, as they were reviewed; none for one that is not in it.
pub fn kills(purpose: &str) -> Vec<&'static str> {
    let line = lines_below("purposes").find_map(|line| rest_after(line, purpose));
    let known = |name: &&str| roamproof_node::misdeed::ALL.iter().any(|one| one.name == *name);
    line.into_iter().flat_map(|kills| kills.split(", ")).filter(known).collect()
}

/// Who catches a misdeed, as it was reviewed; `None` for one that is not in it.
pub fn caught(misdeed: &str) -> Option<&'static str> {
    let line = lines_below("misdeeds").find_map(|line| rest_after(line, misdeed))?;
    line.split_once(' ').map(|(_, caught)| caught.trim_start())
}

/// The lines of the tables of purposes or of misdeeds, of all roles.
fn lines_below(table: &'static str) -> impl Iterator<Item = &'static str> {
    let mut inside = false;
    TEXT.lines().filter(move |line| {
        let heading = !line.starts_with(' ');
        if heading {
            inside = line.split_whitespace().nth(1) == Some(table);
        }
        inside && !heading
    })
}

/// What stands behind the name with which a line begins, if it is `name`.
fn rest_after(line: &'static str, name: &str) -> Option<&'static str> {
    let rest = line.trim_start().strip_prefix(name)?;
    rest.starts_with(' ').then(|| rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_reviewed_is_found() {
        assert_eq!(kills("CL-RO-15/bad-authenticator"), ["accepts-any-acknowledgement"]);
        assert_eq!(kills("CL-RO-15/bad"), [""; 0], "a name is a whole name");
        let caught_by = caught("ack-without-binding").expect("it is in the matrix");
        assert!(caught_by.starts_with("CL-REG-02"), "{caught_by}");
        assert_eq!(caught("sleeps"), None);
    }
}
