//! The order of steps, and what a failure at each means.

use std::sync::Arc;

use jiff::Timestamp;
use shared::contract::Contract;
use shared::events::{Rows, SCHEMA_VERSION};
use shared::identity::{ContractDigest, RunId};
use shared::intake::ArchiveLimits;
use shared::keys::{OutputKeys, manifest_key};
use shared::ledger::{self, Bound, Noted, Place, VOID_AFTER};
use shared::manifest::{AppliedContract, Manifest, Outputs, ReadAs, Status};
use shared::ports::{
    Clock, Events, Fault, FaultKind, Fetched, Location, ObjectInfo, Objects, SourceObject, put,
};
use shared::rows::{Limits, NO_QUOTE};
use shared::split::{Chosen, Match, Opening, Origin, Progress, Split, Survey, Witness};
use shared::stage::StageError;
use shared::validate::{KeyLimits, Keys};
use shared::violation::{FileCode, Verdict};

use crate::contracts::{Candidates, ContractCache, Read, Refused, UNMATCHED, applied, profile};
use crate::gates;
use crate::transfer::{NotRead, Outgoing, Source, metadata};

/// The largest file that is read, in bytes: what S3 takes in one upload from its console and most tools.
pub const MAX_FILE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// What the processor may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// What a record may not exceed.
    pub limits: Limits,
    /// The largest file as it is stored, in bytes.
    pub max_file_bytes: u64,
    /// What a gzip archive may not exceed.
    pub archive: ArchiveLimits,
    /// How many keys of a file are remembered.
    pub keys: KeyLimits,
    /// Whether the ledger is kept ([`shared::ledger`]): in the cloud, where a sweep looks at it.
    pub ledger: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::STANDARD,
            max_file_bytes: MAX_FILE_BYTES,
            archive: ArchiveLimits::STANDARD,
            keys: KeyLimits::STANDARD,
            ledger: false,
        }
    }
}

/// A file that has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The exact object.
    pub source: SourceObject,
    /// Makes a run of its own out of a file that was processed before.
    pub nonce: Option<String>,
}

/// How a delivery ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The run is finished: its manifest stands and its event is published.
    Finished {
        /// The manifest.
        manifest: Box<Manifest>,
        /// Whether it stood already.
        duplicate: bool,
    },
    /// The object was replaced before it was read; the new one has its own delivery.
    Superseded,
    /// The object was deleted before it was read.
    SourceGone,
    /// The key is no file: a folder marker.
    Ignored,
}

/// The first stage.
#[derive(Debug)]
pub struct Processor<O, E, C> {
    /// The bucket.
    pub objects: O,
    /// The bus.
    pub events: E,
    /// Time.
    pub clock: C,
    /// What it was told.
    pub settings: Settings,
    /// The contracts that it has read.
    pub contracts: ContractCache,
    /// Somebody who is shown each rejected record.
    pub witness: Option<Arc<dyn Witness>>,
}

/// What is known of a run before its records are read.
struct Run<'a> {
    source: &'a SourceObject,
    info: &'a ObjectInfo,
    run_id: RunId,
    dataset: String,
    contract: AppliedContract,
}

/// A contract for the file, or the verdict that there is none to use; with the identity it gives the run.
struct Judged {
    dataset: String,
    contract: AppliedContract,
    plan: Result<(Contract, Match), Verdict>,
}

/// What the ledger has of an upload.
enum Known {
    /// The run that it is.
    Run(Box<Manifest>),
    /// A run that was begun, and has no manifest yet.
    Begun(Noted),
}

impl<O: Objects, E: Events, C: Clock> Processor<O, E, C> {
    /// A processor on these ports.
    pub fn new(objects: O, events: E, clock: C, settings: Settings) -> Self {
        Self { objects, events, clock, settings, contracts: ContractCache::default(), witness: None }
    }

    /// Processes a file that has arrived. Safe to repeat, also at the same time.
    ///
    /// # Errors
    /// A call that failed. The delivery must not be acknowledged then.
    pub async fn process(&self, arrival: &Arrival) -> Result<Outcome, StageError> {
        let source = &arrival.source;
        if source.key.ends_with('/') {
            return Ok(Outcome::Ignored);
        }
        let (info, mut body, opening) = match self.open(source).await {
            Ok(opened) => opened,
            Err(fault) => return not_read(fault),
        };
        let known = self.known(arrival, &info).await?;
        if let Some(Known::Run(manifest)) = known {
            return self.announce(arrival, &info, *manifest, true).await;
        }
        let judged = self.judge(source, &opening).await?;
        let etag = &source.etag;
        let run_id =
            RunId::of(&source.bucket, &source.key, etag, &judged.contract.digest, arrival.nonce.as_deref());
        if let Some(manifest) = self.manifest(&source.bucket, &run_id).await? {
            return self.announce(arrival, &info, manifest, true).await;
        }
        if let Some(Known::Begun(noted)) = &known {
            self.yield_to(noted, &run_id)?;
        }
        let run = Run { source, info: &info, run_id, dataset: judged.dataset, contract: judged.contract };
        let manifest = match judged.plan {
            Err(verdict) => run.refused(verdict, None),
            Ok(_) if info.size > self.settings.max_file_bytes => {
                run.refused(too_large(info.size, self.settings.max_file_bytes), None)
            }
            Ok((contract, found)) => {
                match self.split(&run, &contract, opening.take(found), &mut body).await {
                    Ok(manifest) => manifest,
                    Err(Stopped::Read(fault)) => return not_read(fault),
                    Err(Stopped::Write(fault)) => return self.twin(arrival, &info, &run.run_id, fault).await,
                    Err(Stopped::Verdict(verdict)) => run.refused(verdict, None),
                    // A second pass remembers nothing but what the survey left it.
                    Err(Stopped::Keys(_)) => {
                        return Err(broken(source, "its keys could not be told apart in a second pass"));
                    }
                }
            }
        };
        if let Some(other) = self.enter(arrival, &info, &run.run_id).await? {
            return self.announce(arrival, &info, other, true).await;
        }
        match self.commit(&run, &manifest).await {
            Ok(()) => self.announce(arrival, &info, manifest, false).await,
            Err(StageError::Port(fault)) => self.twin(arrival, &info, &run.run_id, fault).await,
            Err(error) => Err(error),
        }
    }

    /// After a write that found other bytes: the same file, uploaded twice within moments, is one run with two times of
    /// arrival. Whichever upload was first to finish is the run; the other one is its duplicate.
    async fn twin(
        &self,
        arrival: &Arrival,
        info: &ObjectInfo,
        run_id: &RunId,
        fault: Fault,
    ) -> Result<Outcome, StageError> {
        if fault.kind == FaultKind::Differs
            && let Some(manifest) = self.manifest(&arrival.source.bucket, run_id).await?
            && manifest.source != arrival.source
        {
            return self.announce(arrival, info, manifest, true).await;
        }
        Err(fault.into())
    }

    /// What the ledger has of this very upload: whatever its contract says by now, an upload is one run. A forced
    /// replay asks for another one.
    async fn known(&self, arrival: &Arrival, info: &ObjectInfo) -> Result<Option<Known>, StageError> {
        if !self.settings.ledger || arrival.nonce.is_some() {
            return Ok(None);
        }
        let bucket = &arrival.source.bucket;
        let place = Place::of(&arrival.source, info.last_modified, None);
        let Some(noted) = ledger::look_up(&self.objects, bucket, &place).await? else { return Ok(None) };
        Ok(Some(match self.manifest(bucket, &noted.entry.run_id).await? {
            Some(manifest) => Known::Run(Box::new(manifest)),
            None => Known::Begun(noted),
        }))
    }

    /// An entry of the ledger that names another run, which has no manifest yet: as long as its invocation may be at
    /// work, it is left to it.
    fn yield_to(&self, noted: &Noted, run_id: &RunId) -> Result<(), StageError> {
        let until = noted.since.checked_add(VOID_AFTER).unwrap_or(Timestamp::MAX);
        if noted.entry.run_id != *run_id && self.clock.now() < until {
            return Err(StageError::Busy { until });
        }
        Ok(())
    }

    /// Writes down which run the upload is, before its manifest makes it one. Two deliveries may meet while the contract
    /// changes: the first entry decides, and the other one's outputs are named by no manifest. `Some` is the manifest
    /// of the run that the upload is instead.
    async fn enter(
        &self,
        arrival: &Arrival,
        info: &ObjectInfo,
        run_id: &RunId,
    ) -> Result<Option<Manifest>, StageError> {
        if !self.settings.ledger {
            return Ok(None);
        }
        let source = &arrival.source;
        let place = Place::of(source, info.last_modified, arrival.nonce.is_some().then_some(run_id));
        let Bound::Other(noted) = ledger::bind(&self.objects, &place, source, run_id).await? else {
            return Ok(None);
        };
        let other = &noted.entry.run_id;
        tracing::warn!(correlation_id = %other, other = %run_id, "the ledger names another run");
        if let Some(manifest) = self.manifest(&source.bucket, other).await? {
            return Ok(Some(manifest));
        }
        self.yield_to(&noted, run_id)?;
        Ok(None)
    }

    /// Announces the run that an upload is.
    async fn announce(
        &self,
        arrival: &Arrival,
        info: &ObjectInfo,
        manifest: Manifest,
        duplicate: bool,
    ) -> Result<Outcome, StageError> {
        self.events.publish(&manifest.event()).await?;
        if self.settings.ledger {
            let replay = arrival.nonce.is_some().then_some(&manifest.run_id);
            let place = Place::of(&arrival.source, info.last_modified, replay);
            self.leave_to_first(&place, &arrival.source, &manifest).await?;
        }
        Ok(Outcome::Finished { manifest: Box::new(manifest), duplicate })
    }

    /// The same bytes again: their mail is that of the first upload, which has its own place. Nothing is left to do
    /// for this one.
    pub(crate) async fn leave_to_first(
        &self,
        place: &Place,
        source: &SourceObject,
        manifest: &Manifest,
    ) -> Result<(), Fault> {
        if Place::of_run(manifest).is_some_and(|first| first != *place) {
            ledger::bind(&self.objects, place, source, &manifest.run_id).await?;
            ledger::settle(&self.objects, &source.bucket, place).await?;
        }
        Ok(())
    }

    /// Opens the file and reads its beginning.
    async fn open(&self, source: &SourceObject) -> Result<(ObjectInfo, Source<O::Body>, Opening), Fault> {
        let (info, body) = self.objects.open(source).await?;
        let mut body = Source::new(body, info.size, self.settings.archive);
        let mut opening = Opening::new(self.settings.limits);
        while !opening.is_ready() {
            match body.fill(opening.space()).await {
                Ok(filled) => opening.filled(filled),
                Err(NotRead::Fault(fault)) => return Err(fault),
                // Whose file it is and which contract it follows is still found out, for the manifest and the mail.
                Err(NotRead::Verdict(verdict)) => opening.refuse(verdict),
            }
        }
        Ok((info, body, opening))
    }

    /// Finds the contract that judges the file.
    async fn judge(&self, source: &SourceObject, opening: &Opening) -> Result<Judged, Fault> {
        let named = shared::keys::dataset_of(&source.key);
        let all = match self.contracts.candidates(&self.objects, &source.location()).await? {
            Candidates::Named(read) => {
                let dataset = named.unwrap_or(UNMATCHED).to_owned();
                return Ok(match read.as_ref() {
                    Ok(contract) => Judged {
                        dataset,
                        contract: applied(contract, false),
                        plan: opening.find(&[contract]).map(|found| (contract.clone(), found)),
                    },
                    Err(refused) => {
                        Judged { dataset, contract: refused.applied(), plan: Err(refused.verdict()) }
                    }
                });
            }
            Candidates::NoneNamed => Vec::new(),
            Candidates::All(all) => all,
        };
        let sound: Vec<&Contract> = all.iter().filter_map(|read| Arc::as_ref(read).as_ref().ok()).collect();
        let found = opening.find(&sound).ok();
        let fit = found.and_then(|found| Some((*sound.get(found.contract)?, found)));
        // A contract that fits better, but lacks its reference files, is not passed over.
        if let Some((refused, contract)) = lacking(&all, opening, fit.as_ref().map(|(contract, _)| *contract))
        {
            return Ok(Judged {
                dataset: contract.name.clone(),
                contract: refused.applied(),
                plan: Err(refused.verdict()),
            });
        }
        if let Some((contract, found)) = fit {
            return Ok(Judged {
                dataset: contract.name.clone(),
                contract: applied(contract, false),
                plan: Ok((contract.clone(), found)),
            });
        }
        let known: Vec<&Contract> = all.iter().filter_map(|read| readable(read)).collect();
        if let Some(contract) = nearest(&known, opening) {
            return Ok(Judged {
                dataset: contract.name.clone(),
                contract: applied(contract, false),
                plan: opening.find(&[contract]).map(|found| (contract.clone(), found)),
            });
        }
        Ok(profiled(named.unwrap_or(UNMATCHED), opening))
    }

    /// The manifest of a run, if the run is finished.
    pub(crate) async fn manifest(
        &self,
        bucket: &str,
        run_id: &RunId,
    ) -> Result<Option<Manifest>, StageError> {
        let at = Location::new(bucket, manifest_key(run_id));
        let Fetched::Found(object) = self.objects.fetch(&at, None).await? else { return Ok(None) };
        serde_json::from_slice(&object.bytes)
            .map(Some)
            .map_err(|error| StageError::Broken { what: at.key, reason: error.to_string() })
    }

    /// Splits the file. One with more keys than are remembered at once is read to its end, and then once more.
    async fn split(
        &self,
        run: &Run<'_>,
        contract: &Contract,
        chosen: Chosen,
        body: &mut Source<O::Body>,
    ) -> Result<Manifest, Stopped> {
        let keys = Keys::with_limits(self.settings.keys);
        let survey = match self.attempt(run, contract, (chosen, keys), body).await {
            Err(Stopped::Keys(survey)) => survey,
            ended => return ended,
        };
        let keys = finish_survey(*survey, body).await?;
        let (_, mut body, opening) = self.open(run.source).await.map_err(Stopped::Read)?;
        let found = opening.find(&[contract]).map_err(Stopped::Verdict)?;
        if let Some(witness) = &self.witness {
            witness.restarted();
        }
        self.attempt(run, contract, (opening.take(found), keys), &mut body).await
    }

    /// Reads every record and writes the outputs.
    async fn attempt(
        &self,
        run: &Run<'_>,
        contract: &Contract,
        (chosen, told_apart): (Chosen, Keys),
        body: &mut Source<O::Body>,
    ) -> Result<Manifest, Stopped> {
        let keys = OutputKeys::of(&run.dataset, &run.source.key, &run.run_id);
        let metadata = metadata(run.run_id.as_str(), run.source, run.contract.digest.as_str());
        let outgoing =
            |key| Outgoing::new(&self.objects, Location::new(&run.source.bucket, key), metadata.clone());
        let mut outputs = [outgoing(keys.processed), outgoing(keys.rejected), outgoing(keys.errors)];
        let read_as = run.read_as(&chosen, body.is_packed());
        let derived: Vec<String> = contract.derive.iter().map(|derived| derived.name.clone()).collect();
        let mut split = Split::new(chosen, &run.origin(contract), &derived)
            .with_keys(told_apart)
            .with_witness(self.witness.clone());
        let stopped = match pass(&mut split, body, &mut outputs).await {
            Ok(Some(written)) => return Ok(run.finished(contract, &split, written, read_as)),
            Ok(None) => Stopped::Keys(Box::new(split.into_survey())),
            Err(stopped) => stopped,
        };
        for output in &mut outputs {
            output.abort().await;
        }
        Err(stopped)
    }

    /// Writes the manifest: from here on the run is finished, whatever happens.
    async fn commit(&self, run: &Run<'_>, manifest: &Manifest) -> Result<(), StageError> {
        let at = Location::new(&run.source.bucket, manifest_key(&run.run_id));
        let metadata = metadata(run.run_id.as_str(), run.source, run.contract.digest.as_str());
        let bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|error| StageError::Broken { what: at.key.clone(), reason: error.to_string() })?;
        put(&self.objects, &at, metadata, &bytes).await?;
        Ok(())
    }
}

/// Why a file was not split to its end.
enum Stopped {
    /// It could not be read.
    Read(Fault),
    /// An output could not be written.
    Write(Fault),
    /// Its records cannot be trusted.
    Verdict(Verdict),
    /// It has more keys than are remembered at once.
    Keys(Box<Survey>),
}

impl From<Fault> for Stopped {
    fn from(fault: Fault) -> Self {
        Self::Write(fault)
    }
}

impl From<NotRead> for Stopped {
    fn from(stopped: NotRead) -> Self {
        match stopped {
            NotRead::Fault(fault) => Self::Read(fault),
            NotRead::Verdict(verdict) => Self::Verdict(verdict),
        }
    }
}

/// Reads the rest of a file for the keys that may occur again.
async fn finish_survey<B: shared::ports::Body>(
    mut survey: Survey,
    body: &mut Source<B>,
) -> Result<Keys, Stopped> {
    while survey.advance().map_err(Stopped::Verdict)? != Progress::Done {
        let filled = body.fill(survey.space()).await?;
        survey.filled(filled);
    }
    Ok(survey.finish())
}

/// Takes the file through the split until its end, or until it has more keys than are remembered at once.
async fn pass<O: Objects, B: shared::ports::Body>(
    split: &mut Split,
    body: &mut Source<B>,
    outputs: &mut [Outgoing<'_, O>; 3],
) -> Result<Option<Outputs>, Stopped> {
    let [processed, rejected, errors] = outputs;
    loop {
        match split.advance().map_err(Stopped::Verdict)? {
            Progress::NeedInput => {
                let filled = body.fill(split.space()).await?;
                split.filled(filled);
            }
            Progress::Drain => {
                processed.drain(&mut split.processed).await?;
                rejected.drain(&mut split.rejected).await?;
                errors.drain(&mut split.errors).await?;
            }
            Progress::Survey => return Ok(None),
            Progress::Done => {
                return Ok(Some(Outputs {
                    processed: processed.finish(&mut split.processed).await?,
                    rejected: rejected.finish(&mut split.rejected).await?,
                    errors: errors.finish(&mut split.errors).await?,
                }));
            }
        }
    }
}

/// What a failed read means: an object that was replaced or deleted is no failure of ours.
fn not_read(fault: Fault) -> Result<Outcome, StageError> {
    match fault.kind {
        FaultKind::Changed => Ok(Outcome::Superseded),
        FaultKind::NotFound => Ok(Outcome::SourceGone),
        _ => Err(fault.into()),
    }
}

fn broken(source: &SourceObject, reason: &str) -> StageError {
    StageError::Broken { what: source.key.clone(), reason: reason.to_owned() }
}

/// The contract, as far as it could be read: also where its reference files cannot be used.
fn readable(read: &Read) -> Option<&Contract> {
    match read {
        Ok(contract) => Some(contract),
        Err(refused) => refused.contract.as_deref(),
    }
}

/// Of the contracts whose reference files cannot be used, the one that fits the header and knows more of it than
/// the sound one that fits best.
fn lacking<'c>(
    all: &'c [Arc<Read>],
    opening: &Opening,
    best: Option<&Contract>,
) -> Option<(&'c Refused, &'c Contract)> {
    let (_, labels) = opening.regular().ok()?;
    let known = best.map_or(0, |contract| contract.knows(&labels));
    let refused = all.iter().filter_map(|read| read.as_ref().as_ref().err());
    refused
        .filter_map(|refused| Some((refused, refused.contract.as_deref()?)))
        // All that is wrong is what was known before: the header fits.
        .filter(|(_, contract)| {
            opening.find(&[contract]).is_err_and(|verdict| verdict.code == FileCode::ContractError)
        })
        .filter(|(_, contract)| contract.knows(&labels) > known)
        .max_by_key(|(_, contract)| contract.knows(&labels))
}

/// How many names a header must have for them to speak for a contract that knows all of them.
const LEAST_NAMES: usize = 3;

/// The contract that the file was probably meant for although it does not fit: the one that knows most of the
/// header's names, if these are at least half of its fields, or all that the header has. Its verdict tells what is
/// missing; a profile would pass the file as if nothing were wrong.
fn nearest<'c>(contracts: &[&'c Contract], opening: &Opening) -> Option<&'c Contract> {
    let (_, labels) = opening.regular().ok()?;
    let nearest = contracts.iter().max_by_key(|contract| contract.knows(&labels))?;
    let known = nearest.knows(&labels);
    let half_of_its_fields = known * 2 >= nearest.fields.len();
    let every_name = labels.len() >= LEAST_NAMES && known == labels.len();
    (half_of_its_fields || every_name).then_some(*nearest)
}

/// A file that no contract fits is profiled: nothing is rejected but broken records.
fn profiled(dataset: &str, opening: &Opening) -> Judged {
    let unusable = |verdict| Judged {
        dataset: dataset.to_owned(),
        contract: AppliedContract {
            digest: ContractDigest::of(b""),
            inferred: true,
            references: Vec::new(),
            descriptor: serde_json::Value::Null,
        },
        plan: Err(verdict),
    };
    let (layout, labels) = match opening.regular() {
        Ok(found) => found,
        Err(verdict) => return unusable(verdict),
    };
    let contract = match profile(dataset, &labels, layout) {
        Ok(contract) => contract,
        Err(broken) => {
            // The only thing that can be wrong with such a contract are the names in the header.
            let reason = broken.problems.first().map_or_else(String::new, |problem| problem.message.clone());
            return match shared::validate::check_labels(&labels) {
                Err(verdict) => unusable(verdict),
                Ok(()) => unusable(Verdict::new(FileCode::FormatError, reason)),
            };
        }
    };
    Judged {
        dataset: dataset.to_owned(),
        contract: applied(&contract, true),
        plan: opening.find(&[&contract]).map(|found| (contract.clone(), found)),
    }
}

fn too_large(bytes: u64, limit: u64) -> Verdict {
    Verdict::new(
        FileCode::FileTooLarge,
        format!("the file has {bytes} bytes; at most {limit} are accepted. Split it and send the parts"),
    )
}

impl Run<'_> {
    fn origin(&self, contract: &Contract) -> Origin {
        Origin {
            source_file: self.source.key.clone(),
            received_at: self.info.last_modified.to_string(),
            run_id: self.run_id.to_string(),
            columns: contract.provenance.clone(),
        }
    }

    fn read_as(&self, chosen: &Chosen, packed: bool) -> ReadAs {
        let mut notes = chosen.notes.clone();
        if packed {
            notes.push("the file is a gzip archive; the outputs are not packed".to_owned());
        }
        if self.contract.inferred {
            notes.push("no contract fits this file; only broken rows were rejected".to_owned());
        }
        let layout = chosen.layout();
        let quote = match layout.quote {
            b'"' => None,
            NO_QUOTE => Some(String::new()),
            other => Some(char::from(other).to_string()),
        };
        ReadAs {
            delimiter: char::from(layout.delimiter),
            quote,
            escape: layout.escape.map(char::from),
            skip_initial_space: layout.skip_initial_space,
            encoding: chosen.charset.name(),
            columns: chosen.plan.labels().to_vec(),
            notes,
        }
    }

    fn manifest(&self, status: Status) -> Manifest {
        Manifest {
            schema: SCHEMA_VERSION,
            run_id: self.run_id.clone(),
            dataset: self.dataset.clone(),
            source: self.source.clone(),
            received_at: self.info.last_modified.to_string(),
            status,
            code: None,
            reason: None,
            rows: Rows::default(),
            codes: Default::default(),
            violations: Vec::new(),
            outputs: Outputs::default(),
            read_as: None,
            contract: self.contract.clone(),
        }
    }

    /// The manifest of a file that is refused as a whole.
    fn refused(&self, verdict: Verdict, read_as: Option<ReadAs>) -> Manifest {
        Manifest {
            code: Some(verdict.code),
            reason: Some(verdict.reason),
            read_as,
            ..self.manifest(Status::Rejected)
        }
    }

    /// The manifest of a file that was split.
    fn finished(&self, contract: &Contract, split: &Split, outputs: Outputs, read_as: ReadAs) -> Manifest {
        let tally = split.tally();
        let rows = tally.rows();
        let gate = gates::held(contract, rows, split.filled_values());
        let status = if gate.is_some() { Status::Held } else { Status::Completed };
        let verdict = gate.or_else(|| {
            let none = "the file has column names and no rows";
            (rows.total == 0).then(|| Verdict::new(FileCode::NoRows, none))
        });
        Manifest {
            code: verdict.as_ref().map(|verdict| verdict.code),
            reason: verdict.map(|verdict| verdict.reason),
            rows,
            codes: tally.codes(),
            violations: tally.violations(),
            outputs,
            read_as: Some(read_as),
            ..self.manifest(status)
        }
    }
}
