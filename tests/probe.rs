//! Probing sees what the reference does, and what a reference that is otherwise does.

use roamproof::lab_arm::LabArm;
use roamproof_harness::feature::Features;
use roamproof_harness::probe::{Answer, Question, differences};
use roamproof_harness::run::Setting;
use roamproof_harness::topology::Role;
use roamproof_harness::topology::claimed::Wanted;
use rstest::rstest;

#[rstest]
#[case::mobile_terminal(Role::MobileTerminal)]
#[case::home_agent(Role::HomeAgent)]
#[case::correspondent(Role::Correspondent)]
#[case::sip_server(Role::SipServer)]
fn the_reference_is_what_it_says_it_is(#[case] role: Role) {
    let answers = probed(role, &[], &|_| ());
    let unanswered: Vec<&Answer> = answers.iter().filter(|one| one.why_not.is_some()).collect();
    assert!(unanswered.is_empty(), "{unanswered:#?}");
    let differences = differences(&Features::reference(), &answers);
    assert!(differences.is_empty(), "{differences:#?}");
    for question in Question::of(role) {
        let told = |feature: &&str| answers.iter().any(|one| one.tells(feature).is_some());
        assert!(question.tells.iter().all(|feature| told(&feature)), "{}", question.id);
    }
}

#[rstest]
#[case::no_mobile_ipv6(Role::Correspondent, &|wanted: &mut Wanted| wanted.mobile_ipv6 = false, "mobile_ipv6", "no")]
#[case::a_telephone_that_rings(Role::Correspondent, &|wanted: &mut Wanted| wanted.answer_after_ms = None, "answers_by_itself", "no")]
#[case::a_terminal_that_rings(Role::MobileTerminal, &|wanted: &mut Wanted| wanted.answer_after_ms = None, "answers_by_itself", "no")]
#[case::a_server_without_lookup(Role::SipServer, &|wanted: &mut Wanted| wanted.direct = false, "binding_lookup", "no")]
#[case::a_home_agent_without_lookup(Role::HomeAgent, &|wanted: &mut Wanted| wanted.direct = false, "binding_lookup", "no")]
fn another_configuration_is_seen(
    #[case] role: Role,
    #[case] change: &dyn Fn(&mut Wanted),
    #[case] feature: &str,
    #[case] expected: &str,
) {
    let answers = probed(role, &[], change);
    assert_eq!(value(&answers, feature), Some(expected), "{answers:#?}");
}

#[cfg(feature = "misdeeds")]
#[rstest]
#[case::tries_at_once(Role::MobileTerminal, "tries-before-optimization", "early_100", "allowed")]
#[case::waits_for_timer_b(
    Role::MobileTerminal,
    "answers-after-timer-b",
    "route_optimization_budget",
    "33"
)]
#[case::asks_nobody(Role::HomeAgent, "silent-to-queries", "binding_lookup", "no")]
fn a_misdeed_is_seen(
    #[case] role: Role,
    #[case] misdeed: &str,
    #[case] feature: &str,
    #[case] expected: &str,
) {
    let answers = probed(role, &[misdeed], &|_| ());
    assert_eq!(value(&answers, feature), Some(expected), "{answers:#?}");
}

fn probed(role: Role, misdeeds: &[&str], change: &dyn Fn(&mut Wanted)) -> Vec<Answer> {
    let misdeeds = misdeeds.iter().map(|name| (*name).to_owned()).collect();
    let setting = Setting { seed: 1, misdeeds, ..Setting::default() };
    let put = |question: &'static Question| {
        question.put(&mut LabArm, &setting, change).expect("a network")
    };
    Question::of(role).map(put).collect()
}

fn value<'a>(answers: &'a [Answer], feature: &str) -> Option<&'a str> {
    let seen = answers.iter().find_map(|answer| answer.tells(feature))?;
    seen.feature.as_ref().map(|(_, value)| value.as_str())
}
