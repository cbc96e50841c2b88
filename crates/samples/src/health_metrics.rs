//! Readings of wearable health monitors: twelve people, every quarter of an hour.

use std::io::{self, Write};

use crate::calendar::Date;
use crate::sheet::{Turn, Written, write_rows};
use crate::{Expected, Random, Spec};

const HEADER: [&str; 8] =
    ["event_time", "user_id", "heart_rate", "spo2", "steps", "temp_c", "systolic_bp", "diastolic_bp"];

/// 2025-03-03T05:00:00Z, in seconds after 1970.
const START: i64 = 1_740_978_000;
const INTERVAL: i64 = 15 * 60;

/// Someone who wears a monitor.
struct Person {
    /// Heart rate at rest.
    pulse: i32,
    /// Blood pressure at rest.
    pressure: (i32, i32),
    /// Oxygen saturation on a usual day.
    oxygen: i32,
    condition: Condition,
}

/// What makes a person's readings stand out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Well,
    Fever,
    HighPressure,
    LowOxygen,
    Athlete,
}

const fn person(pulse: i32, pressure: (i32, i32), oxygen: i32, condition: Condition) -> Person {
    Person { pulse, pressure, oxygen, condition }
}

const PEOPLE: [Person; 12] = [
    person(68, (118, 76), 98, Condition::Well),
    person(72, (124, 80), 97, Condition::Well),
    person(75, (121, 79), 97, Condition::Fever),
    person(64, (112, 71), 98, Condition::Well),
    person(78, (147, 93), 96, Condition::HighPressure),
    person(70, (116, 74), 98, Condition::Well),
    person(74, (126, 81), 92, Condition::LowOxygen),
    person(66, (119, 75), 97, Condition::Well),
    person(59, (110, 68), 99, Condition::Athlete),
    person(73, (128, 82), 97, Condition::Well),
    person(76, (122, 78), 96, Condition::Well),
    person(69, (115, 73), 98, Condition::Well),
];

/// One reading as text; the number of cells is part of it.
struct Reading {
    cells: Vec<String>,
}

/// Writes health readings as CSV.
///
/// Pulse and steps follow the day. One person has a fever, one high blood pressure, one low oxygen, one is an
/// athlete: their flags stand out. Broken records are sensor faults and clerical mistakes.
///
/// # Errors
///
/// Fails when `out` does.
pub fn health_metrics(out: &mut impl Write, spec: &Spec) -> io::Result<Expected> {
    write_rows(out, spec, HEADER, |Turn { random, index, bad }, sheet| {
        let mut reading = Reading::take(random, index);
        if bad {
            let mistake = random.pick(&MISTAKES);
            mistake(&mut reading, random);
        }
        sheet.record(reading.cells.iter().map(String::as_str))?;
        Ok(if bad { Written::Rejected } else { Written::Valid })
    })
}

impl Reading {
    /// A reading that breaks no rule.
    fn take(random: &mut Random, index: u64) -> Self {
        let number = (index % PEOPLE.len() as u64) as usize;
        let person = PEOPLE.get(number).unwrap_or(&PEOPLE[0]);
        let round = i64::try_from(index / PEOPLE.len() as u64).unwrap_or(i64::MAX / INTERVAL / 2);
        let seconds = START + round * INTERVAL + 4 * number as i64;
        let hour = seconds.rem_euclid(86_400) / 3_600;
        // 0 asleep, 1 sitting, 2 walking, 3 running.
        let activity = match hour {
            0..=5 => 0,
            7 | 17 | 18 => random.weighted(&[(2, 1), (5, 2), (3, 3)]),
            22 | 23 => random.weighted(&[(7, 0), (3, 1)]),
            _ => random.weighted(&[(6, 1), (4, 2)]),
        };
        let (vigour, steps) = match activity {
            0 => (-4, random.between(0, 6)),
            1 => (4, random.between(0, 180)),
            2 => (24, random.between(600, 1_600)),
            _ => {
                (if person.condition == Condition::Athlete { 102 } else { 76 }, random.between(1_900, 3_100))
            }
        };
        let fever = person.condition == Condition::Fever && (9..20).contains(&hour);
        let temperature = random.around(if fever { 385 } else { 366 }, 6);
        let pulse = random.around(person.pulse + vigour + if fever { 14 } else { 0 }, 9);
        let (systolic, diastolic) = person.pressure;
        let systolic = random.around(systolic + vigour / 5, 9).clamp(92, 178);
        let diastolic = random.around(diastolic + vigour / 12, 7).clamp(61, systolic.min(118));
        Self {
            cells: vec![
                timestamp(seconds),
                format!("user_{:02}", number + 1),
                pulse.clamp(51, 179).to_string(),
                random.around(person.oxygen, 3).clamp(90, 100).to_string(),
                steps.to_string(),
                format!("{}.{}", temperature / 10, temperature % 10),
                systolic.to_string(),
                diastolic.to_string(),
            ],
        }
    }

    fn set(&mut self, column: &str, value: impl Into<String>) {
        let at = HEADER.iter().position(|name| *name == column);
        if let Some(cell) = at.and_then(|at| self.cells.get_mut(at)) {
            *cell = value.into();
        }
    }
}

/// What sensors and people get wrong: none of it is legal under the ranges of the data set.
const MISTAKES: [fn(&mut Reading, &mut Random); 14] = [
    |reading, random| reading.set("heart_rate", random.pick(&["0", "31", "214", "255"])),
    |reading, random| reading.set("heart_rate", random.pick(&["", "N/A", "--", "error"])),
    |reading, random| reading.set("spo2", random.pick(&["40", "0", "71", "127"])),
    |reading, random| reading.set("spo2", random.pick(&["97%", "n/a", "low"])),
    |reading, random| reading.set("steps", random.pick(&["-1", "65535", "50001"])),
    // Degrees Fahrenheit.
    |reading, random| reading.set("temp_c", format!("{}.{}", random.between(97, 102), random.below(10))),
    // A decimal comma: the cell is quoted.
    |reading, random| reading.set("temp_c", format!("36,{}", random.below(10))),
    |reading, random| reading.set("temp_c", random.pick(&["21.5", "36.6C", "0"])),
    |reading, random| reading.set("systolic_bp", random.pick(&["250", "64", "12O"])),
    // Each within its own range, but the lower value is the higher one.
    |reading, random| {
        reading.set("systolic_bp", random.between(90, 99).to_string());
        reading.set("diastolic_bp", random.between(101, 119).to_string());
    },
    |reading, random| reading.set("event_time", random.pick(&["03.03.2025 08:15", "yesterday", "08:15", ""])),
    |reading, _| reading.set("user_id", ""),
    |reading, _| {
        reading.cells.pop();
    },
    |reading, _| reading.cells.push("ok".to_owned()),
];

fn timestamp(seconds: i64) -> String {
    let Date { year, month, day } = Date::from_days(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (second_of_day / 3_600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
