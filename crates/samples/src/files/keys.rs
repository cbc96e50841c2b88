//! Files whose keys are out of the ordinary, or whose columns are not those that a strict contract asks for.

use super::{Sample, Table, refused, split};
use crate::{Dataset, Outcome};

fn shipments_file(
    name: &'static str,
    shows: &'static str,
    gets: &'static str,
    outcome: Outcome,
    table: Table,
) -> Sample {
    Sample { name, dataset: Dataset::Shipments, shows, gets, outcome, bytes: table.text().into_bytes() }
}

fn shipments(count: u64) -> Table {
    Table::generated(Dataset::Shipments, count)
}

pub(super) fn samples() -> Vec<Sample> {
    vec![
        shipments_file(
            "composite_key.csv",
            "a key of two columns: a line of a shipment entered twice, and one without its number",
            "both columns together may occur once, and each needs a value",
            split(6, 2),
            shipments(8).cell(5, "shipment", "7000").cell(5, "line", "+2").cell(7, "line", ""),
        ),
        shipments_file(
            "unknown_ports.csv",
            "ports that are not in the list `contracts/ports.csv`, two of them for a slip",
            "rejected: the reason names the list, and the port that was probably meant",
            split(4, 3),
            shipments(7).cell(2, "port", "Roterdam").cell(4, "port", "le havre").cell(6, "port", "Atlantis"),
        ),
        shipments_file(
            "repeated_seals.csv",
            "a number that may be left out, and may otherwise occur once",
            "the second record with the same seal is rejected; those without one are not",
            split(6, 1),
            shipments(7).column("seal", &["K1", "", "K2", "", "K1", "K3", "K4"]),
        ),
        shipments_file(
            "column_not_allowed.csv",
            "a column `remark` under a contract with `\"fieldsMatch\": \"equal\"`",
            "refused: names the column, and what was expected",
            refused("extra-label"),
            shipments(4).every_line(|cells| cells.push("fragile".to_owned())).header(|names| {
                names.pop();
                names.push("remark".to_owned());
            }),
        ),
    ]
}
