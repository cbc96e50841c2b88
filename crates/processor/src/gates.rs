//! The gates of a contract: a file that fails one is split, but held back from analysis.

use rust_decimal::Decimal;
use shared::contract::Contract;
use shared::events::Rows;
use shared::violation::{FileCode, Verdict};

/// Whether the contract holds the file back, and why: the code of the first gate that it fails, and what is to be
/// said of each. `filled` counts the valid records with a value, for each entry of `min_filled`.
pub(crate) fn held(contract: &Contract, rows: Rows, filled: &[u64]) -> Option<Verdict> {
    let failed: Vec<Verdict> = [rejected(contract, rows), few_rows(contract, rows)]
        .into_iter()
        .flatten()
        .chain(empty(contract, rows, filled))
        .collect();
    let code = failed.first()?.code;
    let reasons: Vec<String> = failed.into_iter().map(|verdict| verdict.reason).collect();
    Some(Verdict::new(code, reasons.join(". Also: ")))
}

/// The gate `max_rejected_ratio`.
fn rejected(contract: &Contract, rows: Rows) -> Option<Verdict> {
    let limit = contract.routing.max_rejected_ratio?;
    let ratio = share(rows.rejected, rows.total)?;
    (ratio > limit).then(|| {
        Verdict::new(
            FileCode::TooManyRejected,
            format!(
                "{} of {} rows were rejected ({} %); the contract holds a file back above {} %. Correct the \
                 rejected file and drop it again",
                rows.rejected,
                rows.total,
                percent(ratio),
                percent(limit)
            ),
        )
    })
}

/// The gate `min_rows`.
fn few_rows(contract: &Contract, rows: Rows) -> Option<Verdict> {
    let limit = contract.routing.min_rows?;
    let counted = |count: u64| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
    (rows.total < limit).then(|| {
        Verdict::new(
            FileCode::TooFewRows,
            format!(
                "the file has {}; the contract holds a file back below {limit}. Check whether the export was cut short, \
                 and drop the whole file again",
                counted(rows.total)
            ),
        )
    })
}

/// The gates `min_filled`. Without a valid record there is nothing to have a value.
fn empty(contract: &Contract, rows: Rows, filled: &[u64]) -> Vec<Verdict> {
    let gates = contract.routing.min_filled.iter().zip(filled);
    let failed = gates.filter_map(|((field, limit), filled)| {
        let ratio = share(*filled, rows.valid)?;
        let name = contract.fields.get(*field)?.name.as_str();
        (ratio < *limit).then(|| {
            Verdict::new(
                FileCode::TooFewValues,
                format!(
                    "{name} has a value in {filled} of {} valid rows ({} %); the contract holds a file back below {} %. \
                     Fill the column in, and drop the whole file again",
                    rows.valid,
                    percent(ratio),
                    percent(*limit)
                ),
            )
        })
    });
    failed.collect()
}

fn share(part: u64, whole: u64) -> Option<Decimal> {
    Decimal::from(part).checked_div(Decimal::from(whole))
}

fn percent(share: Decimal) -> Decimal {
    (share * Decimal::ONE_HUNDRED).round_dp(1).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract(routing: &str) -> Contract {
        let text = format!(
            r#"{{"name": "n", "schema": {{"fields": [{{"name": "a"}}, {{"name": "b"}}]}}, "gristmill": {{"routing": {routing}}}}}"#
        );
        Contract::parse(text.as_bytes()).unwrap()
    }

    fn rows(valid: u64, rejected: u64) -> Rows {
        Rows { total: valid + rejected, valid, rejected }
    }

    #[test]
    fn a_contract_without_gates_holds_nothing_back() {
        assert_eq!(held(&contract("{}"), rows(0, 9), &[]), None);
    }

    #[test]
    fn what_is_just_allowed_passes() {
        let contract =
            contract(r#"{"max_rejected_ratio": 0.5, "min_rows": 4, "min_filled": {"b": 0.5, "a": 1}}"#);
        assert_eq!(held(&contract, rows(2, 2), &[1, 2]), None);
        assert!(held(&contract, rows(1, 2), &[1, 1]).is_some());
    }

    #[test]
    fn every_gate_that_fails_is_named_with_its_figures() {
        let contract =
            contract(r#"{"max_rejected_ratio": 0.2, "min_rows": 100, "min_filled": {"b": 0.8, "a": 1}}"#);
        let verdict = held(&contract, rows(3, 1), &[2, 3]).unwrap();
        assert_eq!(verdict.code, FileCode::TooManyRejected);
        assert_eq!(
            verdict.reason,
            "1 of 4 rows were rejected (25 %); the contract holds a file back above 20 %. Correct the rejected file \
             and drop it again. Also: the file has 4 rows; the contract holds a file back below 100. Check whether \
             the export was cut short, and drop the whole file again. Also: b has a value in 2 of 3 valid rows (66.7 %); the \
             contract holds a file back below 80 %. Fill the column in, and drop the whole file again"
        );
    }

    #[test]
    fn a_file_without_rows_fails_for_its_rows_and_not_for_its_values() {
        let contract = contract(r#"{"max_rejected_ratio": 0, "min_rows": 1, "min_filled": {"a": 1}}"#);
        let verdict = held(&contract, rows(0, 0), &[0]).unwrap();
        assert_eq!(verdict.code, FileCode::TooFewRows);
        assert!(verdict.reason.starts_with("the file has 0 rows;"), "{}", verdict.reason);
    }
}
