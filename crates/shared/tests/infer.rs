//! What must hold of a drafted contract, whatever the file: it is a sound contract, and it accepts its own sample.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use proptest::prelude::*;
use shared::contract::Contract;
use shared::infer::{Draft, draft};

/// Cells of many kinds, good and bad.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (-1_000_i32..100_000).prop_map(|number| number.to_string()),
        3 => (0_u32..1_000_000).prop_map(|number| format!("{}.{:02}", number / 100, number % 100)),
        3 => (1_u32..13, 1_u32..32).prop_map(|(month, day)| format!("2024-{month:02}-{day:02}")),
        2 => (1_u32..13, 1_u32..32).prop_map(|(month, day)| format!("{day:02}/{month:02}/2024")),
        2 => prop::sample::select(&["", "NA", "N/A", "null", "-", "?", " ", "NaN", "None"][..]).prop_map(str::to_owned),
        2 => prop::sample::select(&["true", "False", "red", "blue", "007", "+44 1", "$5", "1e3", "1e400"][..])
            .prop_map(str::to_owned),
        1 => "[a-z ]{0,60}",
        1 => "\\PC{0,12}",
    ]
}

/// A column: a name and, for each row, nearly always a cell of one kind.
fn column(rows: usize) -> impl Strategy<Value = (String, Vec<String>)> {
    let name = prop_oneof![
        3 => prop::sample::select(
            &["id", "order_id", "price", "date", "year", "pct", "rating", "email", "lat", "text", "Name", "source_row"][..]
        )
        .prop_map(str::to_owned),
        1 => "[A-Za-z][a-z_ ]{0,12}",
        1 => "\\PC{1,8}",
    ];
    (name, cell(), prop::collection::vec((cell(), 0_u32..30), rows)).prop_map(|(name, usual, cells)| {
        let cells = cells.into_iter().map(|(cell, luck)| if luck == 0 { cell } else { varied(&usual, luck) });
        (name, cells.collect())
    })
}

/// Another value of the same kind: the digits of a number differ.
fn varied(usual: &str, luck: u32) -> String {
    usual
        .char_indices()
        .map(|(at, c)| if c == '1' && at > 0 { char::from(b'1' + (luck % 3) as u8) } else { c })
        .collect()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn csv(columns: &[(String, Vec<String>)], rows: usize) -> String {
    let line = |cells: Vec<String>| format!("{}\n", cells.join(","));
    let mut text = line(columns.iter().map(|(name, _)| quoted(name)).collect());
    for row in 0..rows {
        text += &line(columns.iter().map(|(_, cells)| quoted(cells.get(row).unwrap())).collect());
    }
    text
}

/// Whether a draft is a sound contract that accepts 99 of 100 of its rows, and is said in words.
fn is_sound(draft: &Draft) -> Result<(), TestCaseError> {
    let bytes = draft.descriptor.to_string().into_bytes();
    let contract = Contract::parse(&bytes);
    prop_assert!(contract.is_ok(), "{:?}: {}", contract.err(), draft.descriptor);
    prop_assert!(draft.accepted <= draft.rows);
    prop_assert!(draft.accepted * 100 >= draft.rows * 99, "{} of {}", draft.accepted, draft.rows);
    for guess in &draft.guesses {
        let words = guess.to_string();
        prop_assert!(!words.chars().any(char::is_control), "{words:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_get_a_sound_draft_or_a_verdict(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(&b"ab1.,;\"'\\\n\r\t -#|"[..]), 0..300),
        ],
        whole in any::<bool>(),
    ) {
        match draft(&bytes, whole, "any.csv") {
            Ok(draft) => is_sound(&draft)?,
            Err(verdict) => prop_assert!(!verdict.reason.is_empty()),
        }
    }

    #[test]
    fn any_table_gets_a_sound_draft(
        (rows, columns) in (0_usize..160).prop_flat_map(|rows| {
            (Just(rows), prop::collection::vec(column(rows), 1..7))
        }),
    ) {
        if let Ok(draft) = draft(csv(&columns, rows).as_bytes(), true, "table.csv") {
            is_sound(&draft)?;
        }
    }

    #[test]
    fn a_name_never_breaks_the_draft(name in "\\PC{0,120}") {
        let draft = draft(b"a,b\n1,2\n", true, &name).unwrap();
        is_sound(&draft)?;
    }
}
