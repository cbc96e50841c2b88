//! Manifests and a table for the narrators' tests.

use std::collections::BTreeMap;

use shared::contract::Contract;
use shared::events::Rows;
use shared::identity::{ETag, RunId};
use shared::manifest::{AppliedContract, Manifest, Outputs, Status, ViolationCount};
use shared::ports::SourceObject;
use shared::violation::Code;

use crate::facts::testing::phones;

/// The manifest of a run over a file with so many valid and rejected rows.
pub(crate) fn manifest(contract: &Contract, valid: u64, rejected: u64) -> Manifest {
    let etag = ETag::parse("e");
    let violation = |code, column: Option<&str>, count| ViolationCount {
        code,
        column: column.map(str::to_owned),
        count,
        first_row: 2,
        first_reason: "as an example".into(),
    };
    let violations = [
        violation(Code::TypeError, Some("price"), rejected),
        violation(Code::MissingCell, None, 1),
        violation(Code::ConstraintError, Some("model"), 1),
    ];
    Manifest {
        schema: 1,
        run_id: RunId::of("b", "input/phones/may.csv", &etag, &contract.digest, None),
        dataset: contract.name.clone(),
        source: SourceObject {
            bucket: "b".into(),
            key: "input/phones/may.csv".into(),
            etag,
            version_id: None,
            size: 100,
        },
        received_at: "2024-05-20T10:00:00Z".into(),
        status: Status::Completed,
        code: None,
        reason: None,
        rows: Rows { total: valid + rejected, valid, rejected },
        codes: BTreeMap::new(),
        violations: if rejected > 0 { violations.into() } else { Vec::new() },
        outputs: Outputs::default(),
        read_as: None,
        contract: AppliedContract {
            digest: contract.digest.clone(),
            inferred: false,
            references: Vec::new(),
            descriptor: contract.descriptor.clone(),
        },
    }
}

/// 44 sales over four months, the last of which is not over.
pub(crate) fn sales() -> String {
    let mut lines = Vec::new();
    for (month, times) in [(1, 12), (2, 16), (3, 10), (4, 6)] {
        for n in 0..times {
            let (model, price) = match n % 4 {
                0 | 1 => ("Y28", "119.5"),
                2 => ("P4 Pro", "800"),
                _ => ("Find X", "2100"),
            };
            let day = if n == 0 { 1 } else { n + 3 };
            lines.push(format!("2024-{month:02}-{day:02},{model},{price},Ann"));
        }
    }
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    phones(&lines)
}
