//! Which contract a file is judged by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use shared::contract::descriptor::DialectDescriptor;
use shared::contract::{BrokenContract, Contract, HeaderRows, Provenance, REJECTION_COLUMNS};
use shared::identity::{ContractDigest, ETag};
use shared::keys::{CONTRACTS_PREFIX, contract_key, dataset_of};
use shared::ports::{Fault, Fetched, Location, Objects};
use shared::rows::Layout;
use shared::violation::{FileCode, Verdict};

/// The dataset of a file that no contract fits.
pub const UNMATCHED: &str = "unmatched";

/// A contract as it lies in the bucket: sound, or refused with everything that is wrong with it.
pub(crate) type Read = Result<Contract, Refused>;

/// A contract that cannot be used.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) key: String,
    pub(crate) digest: ContractDigest,
    pub(crate) broken: BrokenContract,
}

impl Refused {
    /// The verdict over a file whose contract is broken.
    pub(crate) fn verdict(&self) -> Verdict {
        let problems: Vec<String> = self
            .broken
            .problems
            .iter()
            .map(|problem| format!("{}: {}", problem.pointer, problem.message))
            .collect();
        Verdict::new(
            FileCode::ContractError,
            format!(
                "the contract {} cannot be used. Correct it and drop the file again. {}",
                self.key,
                problems.join("; ")
            ),
        )
    }
}

/// The contracts that may judge a file.
pub(crate) enum Candidates {
    /// The one that the file's folder names.
    Named(Arc<Read>),
    /// The folder names one, but there is none.
    NoneNamed,
    /// All of them: the header decides.
    All(Vec<Arc<Read>>),
}

/// The contracts that were read, each with the tag that it had.
///
/// A contract is asked for at every file, but sent only when its tag has changed: one that is put into the bucket
/// works at once, without a deploy.
#[derive(Debug, Default)]
pub struct ContractCache {
    read: Mutex<HashMap<String, (ETag, Arc<Read>)>>,
}

impl ContractCache {
    /// The contracts that may judge the file with this key.
    pub(crate) async fn candidates<O: Objects>(
        &self,
        objects: &O,
        source: &Location,
    ) -> Result<Candidates, Fault> {
        if let Some(dataset) = dataset_of(&source.key) {
            let at = Location::new(&source.bucket, contract_key(dataset));
            return Ok(self.get(objects, &at).await?.map_or(Candidates::NoneNamed, Candidates::Named));
        }
        let mut all = Vec::new();
        for key in objects.list(&source.bucket, CONTRACTS_PREFIX).await? {
            if key.ends_with(".json") {
                all.extend(self.get(objects, &Location::new(&source.bucket, key)).await?);
            }
        }
        Ok(Candidates::All(all))
    }

    async fn get<O: Objects>(&self, objects: &O, at: &Location) -> Result<Option<Arc<Read>>, Fault> {
        let known = self.lock().get(&at.key).cloned();
        match objects.fetch(at, known.as_ref().map(|(tag, _)| tag)).await? {
            Fetched::Absent => {
                self.lock().remove(&at.key);
                Ok(None)
            }
            Fetched::Unchanged => Ok(known.map(|(_, contract)| contract)),
            Fetched::Found(object) => {
                let read = Contract::parse(&object.bytes).map_err(|broken| Refused {
                    key: at.key.clone(),
                    digest: ContractDigest::of(&object.bytes),
                    broken,
                });
                let read = Arc::new(read);
                self.lock().insert(at.key.clone(), (object.info.etag, Arc::clone(&read)));
                Ok(Some(read))
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (ETag, Arc<Read>)>> {
        // The map is whole at every moment, also when a holder has panicked.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The contract of a file that none fits: its own columns, any value, so that only broken records are rejected.
///
/// Columns of Gristmill's own may be among them, when an output is dropped as a file: they are carried through, but
/// not added again.
pub(crate) fn profile(dataset: &str, labels: &[String], layout: Layout) -> Result<Contract, BrokenContract> {
    let has = |name: &str| labels.iter().any(|label| label.trim().eq_ignore_ascii_case(name));
    let fields: Vec<Value> = labels
        .iter()
        .filter(|label| !REJECTION_COLUMNS.iter().any(|name| label.trim().eq_ignore_ascii_case(name)))
        .map(|label| json!({"name": label, "type": "any"}))
        .collect();
    let provenance: Vec<&str> =
        Provenance::ALL.iter().map(|column| column.as_str()).filter(|name| !has(name)).collect();
    let descriptor = json!({
        "name": dataset_name(dataset),
        "title": "File without a contract",
        "dialect": DialectDescriptor::of(&layout, &HeaderRows::First),
        "schema": {"fields": fields},
        "gristmill": {"provenance": provenance},
    });
    Contract::parse(descriptor.to_string().as_bytes())
}

/// A dataset's name as a contract may have it.
fn dataset_name(dataset: &str) -> String {
    let name = shared::keys::stem(dataset).to_lowercase();
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts_well { name } else { format!("x{name}") }
}
