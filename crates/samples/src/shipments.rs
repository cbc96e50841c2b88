//! Shipments of a forwarder: a key of two columns, and ports that must stand in a list.

use std::io::{self, Write};

use crate::calendar::days_in;
use crate::sheet::{Turn, Written, write_rows};
use crate::{Expected, Random, Spec};

/// The columns, in the order of the file.
pub(crate) const HEADER: [&str; 6] = ["shipment", "line", "port", "weight_kg", "sent_on", "seal"];

/// The ports that the forwarder serves, as `contracts/ports.csv` lists them.
const PORTS: [&str; 8] =
    ["Antwerp", "Felixstowe", "Gothenburg", "Hamburg", "Le Havre", "Piraeus", "Rotterdam", "Valencia"];

/// How they are misspelt, and what is none of them.
const OTHER_PORTS: [&str; 5] = ["Roterdam", "Hamburgh", "rotterdam", "Atlantis", ""];

/// One line of a shipment: the shipment, the line, the port, the weight, the day, the seal.
type Line = [String; 6];

/// Writes lines of shipments as CSV.
///
/// A shipment has up to three lines; the two numbers together are the key. Most lines carry a seal, whose number is
/// used once. Broken records are clerical mistakes: a misspelt port, a line that is entered twice, a seal that is.
///
/// # Errors
///
/// Fails when `out` does.
pub fn shipments(out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
    let mut last_valid: Option<Line> = None;
    write_rows(out, spec, HEADER, |Turn { random, index, bad }, sheet| {
        let mut line = line(random, index);
        if bad {
            spoil(&mut line, random, last_valid.as_ref());
        }
        sheet.record(line.iter().map(String::as_str))?;
        if !bad {
            last_valid = Some(line);
        }
        Ok(if bad { Written::Rejected } else { Written::Valid })
    })
}

/// A line that breaks no rule.
fn line(random: &mut Random, index: u64) -> Line {
    let month = 1 + random.below(12);
    let day = 1 + random.below(days_in(2025, month.into()));
    let seal = if random.once_in(8) { String::new() } else { format!("K{:07}", 10_000 + index) };
    [
        (7_000 + index / 3).to_string(),
        (1 + index % 3).to_string(),
        random.pick(&PORTS).to_owned(),
        format!("{}.{}", 20 + random.below(900), random.below(10)),
        format!("2025-{month:02}-{day:02}"),
        seal,
    ]
}

/// Makes one mistake.
fn spoil(line: &mut Line, random: &mut Random, earlier: Option<&Line>) {
    let [shipment, number, port, weight, sent_on, seal] = line;
    match (random.below(7), earlier) {
        (0 | 1, _) => *port = random.pick(&OTHER_PORTS).to_owned(),
        (2, Some([earlier, line, ..])) => (*shipment, *number) = (earlier.clone(), line.clone()),
        (3, Some([.., earlier])) if !earlier.is_empty() => seal.clone_from(earlier),
        (4, _) => *weight = random.pick(&["0", "-3.5", "heavy", "12,5"]).to_owned(),
        (5, _) => *sent_on = random.pick(&["2025-02-30", "", "12/05/2025"]).to_owned(),
        _ => number.clear(),
    }
}
