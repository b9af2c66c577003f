//! Plays one sequence in the lab and prints its ladder and judgements.
#![expect(clippy::print_stdout, reason = "an example prints")]

use roamproof::lab_arm::LabArm;
use roamproof_harness::evidence::{LadderStyle, Names, ladder};
use roamproof_harness::judge::judge;
use roamproof_harness::sequence::{Changes, Sequence};

fn main() {
    let mut words = std::env::args().skip(1);
    let id = words.next().unwrap_or_else(|| "s1".to_owned());
    let misdeeds = words.next().map(|misdeed| {
        let (node, name) = misdeed.split_once(':').expect("NODE:MISDEED");
        (node.to_owned(), name.to_owned())
    });
    let sequence = Sequence::find(&id).expect("a sequence");
    let changes = Changes { misdeeds: misdeeds.into_iter().collect(), ..Changes::default() };
    let played = sequence.play(&mut LabArm, changes, &mut |_| {}).expect("it runs");
    let _ = (LadderStyle::default(), Names::new());
    for frame in &played.capture.frames {
        println!(
            "{:>4} {:>9.4} {:<13} {}{}",
            frame.number,
            frame.at.as_secs_f64(),
            played.capture.link_name(frame.link),
            if frame.lost { "LOST " } else { "" },
            roamproof_wire::dissect::dissect(&frame.octets)
        );
    }
    let _ = ladder;
    for (node, lines) in &played.output {
        for line in lines {
            println!("  {node}: {line}");
        }
    }
    if let Some(trouble) = &played.trouble {
        println!("TROUBLE {trouble}");
    }
    for row in sequence.judged(&played) {
        println!("{:6} {} {:?} {}", row.verdict, row.row, row.packets, row.why.unwrap_or_default());
    }
    for judgement in judge(&played.capture, Some(played.cast.clone())) {
        if judgement.verdict.is_some() && !sequence.exercises.contains(&judgement.row) {
            println!("also {:?} {} {:?}", judgement.verdict, judgement.row, judgement.why);
        }
    }
}
