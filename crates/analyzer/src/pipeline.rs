//! The order of the analyzer's steps, and what a failure at each means.
//!
//! Claim, read, count, narrate, store, publish. The delivery is acknowledged by the caller when all of it is done: a
//! failure at any step leaves the message in the queue, and the next delivery starts over, or, where the record is
//! stored already, only publishes again.

use jiff::{SignedDuration, Timestamp};
use shared::checksum::Running;
use shared::contract::Contract;
use shared::events::ProcessingComplete;
use shared::manifest::{Manifest, Output, Status};
use shared::ports::{
    Analyses, Body as _, Claim, Claimed, Clock, Commit, Events, Fetched, Lease, Location, Model, Objects,
    Task,
};
use shared::record::AnalysisRecord;
use shared::stage::{Delivery, StageError};

use crate::Settings;
use crate::facts::{Findings, Survey};
use crate::narrator::{Material, Narration, narrate};

/// How much of the processed file is read at a time, in bytes.
const CHUNK_BYTES: usize = 256 * 1024;
/// The delimiter of a processed file whose manifest names none.
const DEFAULT_DELIMITER: u8 = b',';

/// The second stage: facts over every valid record, and a report of them.
#[derive(Debug, Clone)]
pub struct Analyzer<O, A, M, E, C> {
    /// Where manifests and processed files are.
    pub objects: O,
    /// Where records are stored and claims are made.
    pub analyses: A,
    /// The language model; without one, the built-in narrator writes every report.
    pub model: Option<M>,
    /// Where the finished analysis is announced.
    pub events: E,
    /// The time.
    pub clock: C,
    /// What can be set.
    pub settings: Settings,
}

/// A finished analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The record, as it is stored.
    pub record: AnalysisRecord,
    /// Whether it had been stored by an earlier delivery.
    pub duplicate: bool,
}

impl<O: Objects, A: Analyses, M: Model, E: Events, C: Clock> Analyzer<O, A, M, E, C> {
    /// Analyses a run, once, however often it is announced.
    ///
    /// # Errors
    /// [`StageError::Busy`] while another invocation is at the run and [`StageError::LeaseLost`] when a later one
    /// took it over; [`StageError::Broken`] when the manifest or the processed file is not what the processor
    /// wrote; [`StageError::Port`] for everything else. A model that fails is no error.
    pub async fn analyze(
        &self,
        event: &ProcessingComplete,
        delivery: &Delivery,
    ) -> Result<Outcome, StageError> {
        match self.analyses.claim(&self.claim(event, delivery)).await? {
            Claimed::Granted(lease) => self.analyze_claimed(event, &lease).await,
            Claimed::Finished => self.announce_again(event).await,
            Claimed::Busy { until } | Claimed::Unsettled { since: until, .. } => {
                Err(StageError::Busy { until })
            }
        }
    }

    fn claim(&self, event: &ProcessingComplete, delivery: &Delivery) -> Claim {
        let now = self.clock.now();
        Claim {
            run_id: event.run_id.clone(),
            task: Task::Analyze,
            owner: delivery.owner.clone(),
            now,
            lease_until: later(
                delivery.deadline,
                SignedDuration::try_from(self.settings.lease_slack).unwrap_or_default(),
            ),
            // Of mails only: an analysis that was never finished is taken over as soon as its lease ends.
            resend_before: None,
        }
    }

    async fn analyze_claimed(
        &self,
        event: &ProcessingComplete,
        lease: &Lease,
    ) -> Result<Outcome, StageError> {
        let manifest = self.manifest(event).await?;
        let contract = contract(&manifest)?;
        let findings = match &manifest.outputs.processed {
            Some(output) => self.survey(event, &manifest, &contract, output).await?,
            None if manifest.rows.valid == 0 => Findings::nothing(),
            None => return Err(broken("the manifest", "it names valid records, but no processed file")),
        };
        let material = Material { contract: &contract, manifest: &manifest, findings: &findings };
        let narration = narrate(&material, self.model.as_ref(), self.settings.max_output_tokens).await;
        let record = self.record(&manifest, findings, narration);
        match self.analyses.store(lease, &record).await? {
            Commit::Stored => {}
            Commit::Lost => return Err(StageError::LeaseLost),
        }
        self.events.publish(&manifest.analysis_event(&record)).await?;
        Ok(Outcome { record, duplicate: false })
    }

    /// The record is stored; whether it was announced is not known, so it is announced again.
    async fn announce_again(&self, event: &ProcessingComplete) -> Result<Outcome, StageError> {
        let record = self.analyses.load(&event.run_id).await?;
        let record = record
            .ok_or_else(|| broken("the analysis", "it is marked as finished, but there is no record"))?;
        let manifest = self.manifest(event).await?;
        self.events.publish(&manifest.analysis_event(&record)).await?;
        Ok(Outcome { record, duplicate: true })
    }

    async fn manifest(&self, event: &ProcessingComplete) -> Result<Manifest, StageError> {
        let at = Location::new(&event.source.bucket, &event.manifest_key);
        let object = match self.objects.fetch(&at, None).await? {
            Fetched::Found(object) => object,
            Fetched::Absent | Fetched::Unchanged => return Err(broken("the manifest", "it is not there")),
        };
        let manifest: Manifest = serde_json::from_slice(&object.bytes)
            .map_err(|error| broken("the manifest", error.to_string()))?;
        if manifest.run_id != event.run_id {
            return Err(broken("the manifest", "it is of another run"));
        }
        if manifest.status != Status::Completed {
            return Err(broken("the manifest", "its run is not to be analysed"));
        }
        Ok(manifest)
    }

    /// Counts the processed file, and makes sure that it is the one that the manifest names: every byte of it.
    async fn survey(
        &self,
        event: &ProcessingComplete,
        manifest: &Manifest,
        contract: &Contract,
        output: &Output,
    ) -> Result<Findings, StageError> {
        let at = Location::new(&event.source.bucket, &output.key);
        let (_, mut body) = self.objects.open_output(&at).await?;
        let delimiter = manifest.read_as.as_ref().and_then(|read_as| u8::try_from(read_as.delimiter).ok());
        let mut survey = Survey::new(contract, delimiter.unwrap_or(DEFAULT_DELIMITER));
        let (mut checksum, mut bytes) = (Running::default(), 0_u64);
        // What the records look like is only of interest when the bytes are the right ones.
        let mut surveyed = Ok(());
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let length = body.read(&mut buffer).await?;
            if length == 0 {
                break;
            }
            let chunk = buffer.get(..length).unwrap_or_default();
            checksum.update(chunk);
            bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
            if surveyed.is_ok() {
                surveyed = survey.push(chunk);
            }
        }
        if bytes != output.bytes || checksum.finish() != output.checksum {
            return Err(broken("the processed file", "it is not the one that the manifest names"));
        }
        let unreadable = |error: crate::facts::TableError| broken("the processed file", error.to_string());
        surveyed.map_err(unreadable)?;
        let findings = survey.finish().map_err(unreadable)?;
        if findings.rows != manifest.rows.valid {
            return Err(broken(
                "the processed file",
                "it does not have as many records as the manifest says",
            ));
        }
        Ok(findings)
    }

    fn record(&self, manifest: &Manifest, findings: Findings, narration: Narration) -> AnalysisRecord {
        let now = self.clock.now();
        let ttl = later(now, SignedDuration::from_hours(24 * i64::from(self.settings.ttl_days)));
        let Narration { narrative, narrator, reason, model } = narration;
        AnalysisRecord {
            analysis_id: manifest.run_id.clone(),
            correlation_id: manifest.run_id.to_string(),
            dataset: manifest.dataset.clone(),
            source_file: manifest.source.key.clone(),
            processed_file: manifest.outputs.processed.as_ref().map(|output| output.key.clone()),
            records_analyzed: findings.rows,
            analysis_timestamp: now.to_string(),
            insights: narrative.insights,
            anomalies: narrative.anomalies,
            recommendations: narrative.recommendations,
            summary: narrative.summary,
            notification_sent: false,
            notification_timestamp: None,
            ttl: ttl.as_second(),
            facts: findings.facts,
            narrator,
            narrator_reason: reason,
            model,
            rows: manifest.rows,
        }
    }
}

/// The contract that judged the run, as the manifest keeps it.
fn contract(manifest: &Manifest) -> Result<Contract, StageError> {
    let applied = &manifest.contract;
    Contract::from_descriptor(applied.descriptor.clone(), applied.digest.clone())
        .map_err(|error| broken("the contract in the manifest", error.to_string()))
}

fn broken(what: &str, reason: impl Into<String>) -> StageError {
    StageError::Broken { what: what.to_owned(), reason: reason.into() }
}

/// A time that much later, or the last there is.
fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
