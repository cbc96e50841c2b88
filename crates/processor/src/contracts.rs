//! Which contract a file is judged by.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use shared::contract::descriptor::DialectDescriptor;
use shared::contract::{
    BrokenContract, Contract, HeaderRows, MAX_REFERENCE_BYTES, Provenance, REJECTION_COLUMNS, ReferenceFile,
};
use shared::identity::{ContractDigest, ETag};
use shared::keys::{CONTRACTS_PREFIX, contract_key, dataset_of, reference_key};
use shared::manifest::AppliedContract;
use shared::ports::{Fault, FaultKind, Fetched, Location, Objects};
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
    /// The contract itself, when only its reference files are at fault. It tells whom to write to.
    pub(crate) contract: Option<Box<Contract>>,
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

    /// What the manifest says of the contract.
    pub(crate) fn applied(&self) -> AppliedContract {
        match &self.contract {
            Some(contract) => applied(contract, false),
            None => AppliedContract {
                digest: self.digest.clone(),
                inferred: false,
                references: Vec::new(),
                descriptor: Value::Null,
            },
        }
    }
}

/// What the manifest says of a contract that was applied.
pub(crate) fn applied(contract: &Contract, inferred: bool) -> AppliedContract {
    AppliedContract {
        digest: contract.digest.clone(),
        inferred,
        references: contract.references.clone(),
        descriptor: contract.descriptor.clone(),
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
/// works at once, without a deploy. The same goes for the reference files beside it.
#[derive(Debug, Default)]
pub struct ContractCache {
    read: Mutex<HashMap<String, Arc<Cached>>>,
}

/// A contract as it was read last.
#[derive(Debug)]
struct Cached {
    tag: ETag,
    /// The contract by itself.
    parsed: Result<Contract, BrokenContract>,
    digest: ContractDigest,
    references: BTreeMap<String, CachedReference>,
    /// The contract with its reference files.
    read: Arc<Read>,
}

/// A reference file as it was read last.
#[derive(Debug, Clone)]
struct CachedReference {
    /// Absent where there is nothing to compare with.
    tag: Option<ETag>,
    file: ReferenceFile,
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
        let (tag, parsed, digest) = match objects.fetch(at, known.as_ref().map(|known| &known.tag)).await? {
            Fetched::Absent => {
                self.lock().remove(&at.key);
                return Ok(None);
            }
            Fetched::Unchanged => match &known {
                Some(known) => (known.tag.clone(), known.parsed.clone(), known.digest.clone()),
                None => return Ok(None),
            },
            Fetched::Found(object) => {
                (object.info.etag, Contract::parse(&object.bytes), ContractDigest::of(&object.bytes))
            }
        };
        let mut references = BTreeMap::new();
        let mut same = known.as_ref().is_some_and(|known| known.tag == tag);
        for name in parsed.as_ref().map(Contract::reference_files).unwrap_or_default() {
            let before = known.as_ref().and_then(|known| known.references.get(&name));
            let now = reference(objects, &at.bucket, &name, before).await?;
            same &= before.is_some_and(|before| before.file == now.file);
            references.insert(name, now);
        }
        if let Some(known) = known.filter(|_| same) {
            return Ok(Some(Arc::clone(&known.read)));
        }
        let read = Arc::new(complete(&at.key, &parsed, &digest, &references));
        let cached = Cached { tag, parsed, digest, references, read: Arc::clone(&read) };
        self.lock().insert(at.key.clone(), Arc::new(cached));
        Ok(Some(read))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Cached>>> {
        // The map is whole at every moment, also when a holder has panicked.
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A contract with its reference files.
fn complete(
    key: &str,
    parsed: &Result<Contract, BrokenContract>,
    digest: &ContractDigest,
    references: &BTreeMap<String, CachedReference>,
) -> Read {
    let refused =
        |broken, contract| Refused { key: key.to_owned(), digest: digest.clone(), broken, contract };
    let contract = parsed.clone().map_err(|broken| refused(broken, None))?;
    if references.is_empty() {
        return Ok(contract);
    }
    let files = references.iter().map(|(name, reference)| (name.clone(), reference.file.clone())).collect();
    contract.with_references(&files).map_err(|(contract, broken)| refused(broken, Some(contract)))
}

/// Reads a reference file, unless it is still what it was.
async fn reference<O: Objects>(
    objects: &O,
    bucket: &str,
    name: &str,
    before: Option<&CachedReference>,
) -> Result<CachedReference, Fault> {
    let at = Location::new(bucket, reference_key(name));
    let tag = before.and_then(|before| before.tag.as_ref());
    let without_tag = |file| CachedReference { tag: None, file };
    match objects.fetch(&at, tag).await {
        Ok(Fetched::Absent) => Ok(without_tag(ReferenceFile::Absent)),
        Ok(Fetched::Unchanged) => Ok(before.cloned().unwrap_or(without_tag(ReferenceFile::Absent))),
        // One that is over the limit is not kept.
        Ok(Fetched::Found(object)) if object.bytes.len() > MAX_REFERENCE_BYTES => {
            Ok(without_tag(ReferenceFile::TooLarge))
        }
        Ok(Fetched::Found(object)) => Ok(CachedReference {
            tag: Some(object.info.etag),
            file: ReferenceFile::Found(object.bytes.into()),
        }),
        // Too large to be read whole: what is wrong is the file and not the call.
        Err(fault) if fault.kind == FaultKind::Invalid => Ok(without_tag(ReferenceFile::TooLarge)),
        Err(fault) => Err(fault),
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
