//! What probing found, as the `[features]` of a profile, and held against what a profile says.

use std::fmt::{self, Write as _};

use super::{Answer, Question};
use crate::feature::{self, Feature, Features, Values};

/// A feature that a profile declares otherwise than the device shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The feature.
    pub feature: &'static str,
    /// What the profile says.
    pub declared: String,
    /// What probing found.
    pub found: String,
    /// By what it was seen.
    pub words: String,
}

/// The section `[features]` with a comment for each answer: what was asked, what was seen, and the
/// value that follows; what could not be found out stays unknown.
pub fn section(answers: &[Answer]) -> String {
    let mut text = String::from("[features]\n");
    let mut written: Vec<&str> = Vec::new();
    for answer in answers {
        let Question { role, what, .. } = answer.question;
        comment(&mut text, &format!("Asked of the {}: {what}.", role.name().replace('-', " ")));
        for seen in answer.seen.iter().filter(|seen| seen.feature.is_none()) {
            comment(&mut text, &format!("Seen: it {}.", seen.words));
        }
        for seen in &answer.seen {
            let Some((name, value)) = &seen.feature else { continue };
            comment(&mut text, &format!("Seen: it {}.", seen.words));
            // A device of several roles is asked more than once: the first word stands.
            if !written.contains(name) {
                writeln!(text, "{name} = {}", quoted(name, value))
                    .expect("a string takes any text");
                written.push(name);
            }
        }
        if let Some(why) = &answer.why_not {
            comment(&mut text, &format!("Not found out: {why}."));
        }
        text.push('\n');
    }
    let asked = |feature: &&Feature| {
        answers.iter().any(|answer| answer.question.tells.contains(&feature.name))
    };
    let untold = feature::ALL.iter().filter(asked).filter(|one| !written.contains(&one.name));
    for Feature { name, what, .. } in untold {
        comment(&mut text, &format!("{what}. Nothing tells."));
        writeln!(text, "# {name} = \"unknown\"").expect("a string takes any text");
    }
    text
}

/// `profile` with its section `[features]` replaced by `section`, or with it at the end where it
/// has none.
pub fn splice(profile: &str, section: &str) -> String {
    let mut text = String::new();
    let mut lines = profile.lines().peekable();
    let mut spliced = false;
    while let Some(line) = lines.next() {
        if line.trim() != "[features]" {
            text.push_str(line);
            text.push('\n');
            continue;
        }
        text.push_str(section.trim_end());
        text.push_str("\n\n");
        spliced = true;
        while lines.peek().is_some_and(|next| !next.starts_with('[')) {
            lines.next();
        }
    }
    if !spliced {
        text.push('\n');
        text.push_str(section.trim_end());
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

/// Every feature that `declared` has a value for and the answers another; what is not found out, or
/// not declared, differs in nothing.
pub fn differences(declared: &Features, answers: &[Answer]) -> Vec<Difference> {
    let differs = |feature: &'static Feature| {
        let said = declared.value(feature.name)?;
        let (seen, found) = told(answers, feature.name)?;
        (!agree(feature, said, found)).then(|| Difference {
            feature: feature.name,
            declared: said.to_owned(),
            found: found.to_owned(),
            words: seen.to_owned(),
        })
    };
    feature::ALL.iter().filter_map(differs).collect()
}

/// What was seen of a feature and the value that follows.
fn told<'a>(answers: &'a [Answer], feature: &str) -> Option<(&'a str, &'a str)> {
    let seen = answers.iter().find_map(|answer| answer.tells(feature))?;
    let (_, value) = seen.feature.as_ref()?;
    Some((seen.words.as_str(), value.as_str()))
}

/// What is allowed is also done by who never does it; a time is measured with some tolerance.
fn agree(feature: &Feature, declared: &str, found: &str) -> bool {
    match feature.values {
        Values::YesNo => declared == found,
        Values::Words(_) => {
            declared == found
                || declared == "allowed"
                || (declared, found) == ("required", "allowed")
        }
        Values::Seconds => match (declared.parse::<f64>(), found.parse::<f64>()) {
            (Ok(declared), Ok(found)) => (declared - found).abs() <= TOLERANCE,
            (Err(_), _) | (_, Err(_)) => false,
        },
    }
}

/// Seconds between a time that is declared and one that was measured.
const TOLERANCE: f64 = 0.5;

/// Columns of a comment.
const WIDTH: usize = 100;

fn quoted(feature: &str, value: &str) -> String {
    match Feature::called(feature).map(|feature| feature.values) {
        Some(Values::Seconds) => value.to_owned(),
        Some(Values::YesNo | Values::Words(_)) | None => format!("\"{value}\""),
    }
}

fn comment(text: &mut String, sentence: &str) {
    let mut line = String::from("#");
    for word in sentence.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { feature, declared, found, words } = self;
        write!(f, "{feature}: declared {declared}, found {found}: it {words}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::Seen;
    use super::*;

    #[test]
    fn a_section_says_what_was_asked_and_seen() {
        insta::assert_snapshot!(splice("[device]\nname = \"x\"\n\n[features]\nold = \"yes\"\n\n[keys]\n", &section(&answers())), @r#"
        [device]
        name = "x"

        [features]
        # Asked of the mobile terminal: An INVITE whose caller answers return routability, at first
        # withholding the acknowledgement.
        # Seen: it registers by itself.
        # Seen: it is silent.
        binding_lookup = "no"
        # Seen: it is silent.
        early_100 = "never"
        # Seen: it is silent.
        route_optimization_budget = 7

        # Asked of the home agent: A binding query of the SIP server for a home address that is bound.
        # Not found out: no echo came.

        # Whether a mobile terminal optimizes the route to the SIP server too (decision D12). Nothing tells.
        # ro_with_server = "unknown"
        # Whether a telephone answers a call without the trigger `answer`. Nothing tells.
        # answers_by_itself = "unknown"

        [keys]
        "#);
    }

    #[test]
    fn a_profile_without_features_gets_them_at_its_end() {
        assert_eq!(
            splice("[device]\n", "[features]\na = \"b\"\n"),
            "[device]\n\n[features]\na = \"b\"\n"
        );
    }

    #[rstest]
    #[case::the_same("binding_lookup", "no", None)]
    #[case::another(
        "binding_lookup",
        "yes",
        Some("binding_lookup: declared yes, found no: it is silent")
    )]
    #[case::unknown("binding_lookup", "unknown", None)]
    #[case::not_found_out("sip_tcp", "yes", None)]
    #[case::never_is_allowed("early_100", "allowed", None)]
    #[case::never_is_not_required(
        "early_100",
        "required",
        Some("early_100: declared required, found never: it is silent")
    )]
    #[case::a_little_later("route_optimization_budget", "6.8", None)]
    #[case::much_later(
        "route_optimization_budget",
        "3",
        Some("route_optimization_budget: declared 3, found 7: it is silent")
    )]
    fn a_profile_is_held_against_what_was_seen(
        #[case] feature: &str,
        #[case] declared: &str,
        #[case] expected: Option<&str>,
    ) {
        let mut features = Features::default();
        features.say(feature, declared);
        let found = differences(&features, &answers());
        assert_eq!(found.first().map(ToString::to_string).as_deref(), expected);
    }

    fn answers() -> Vec<Answer> {
        let seen = |feature, value| Seen::value(feature, value, "is silent");
        vec![
            Answer {
                question: &super::super::mobile_terminal::CALL,
                seen: vec![
                    seen("binding_lookup", "no"),
                    seen("early_100", "never"),
                    seen("route_optimization_budget", "7"),
                    Seen::remark("registers by itself"),
                ],
                why_not: None,
            },
            Answer {
                question: &super::super::home_agent::BINDING_LOOKUP,
                seen: Vec::new(),
                why_not: Some("no echo came".to_owned()),
            },
        ]
    }
}
