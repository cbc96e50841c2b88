//! The adapters of AWS, on the emulator or, where somebody really wants it, on AWS itself.
//!
//! Everything that a room needs is made for it under a name of its own (the bucket with versions, the table, the bus with a
//! queue that listens, the queues), and removed at the end: the suite can be run again and again on one emulator.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use aws::bedrock::BedrockModel;
use aws::clients;
use aws::dynamodb::TableAnalyses;
use aws::eventbridge::BusEvents;
use aws::s3::S3Objects;
use aws::ses::SesMailer;
use aws::sqs::SqsQueues;
use aws::trigger::{self, Trigger};
use aws_config::SdkConfig;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_sdk_eventbridge::types::Target;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, EncodingType,
    VersioningConfiguration,
};
use aws_sdk_sqs::types::QueueAttributeName;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use shared::events::PipelineEvent;
use shared::identity::{ETag, RunId};
use shared::ports::{FeedbackKind, Mail, Metadata, Queues as _, SourceObject};
use tokio::runtime::Runtime;

use crate::cases::model::MODEL_ID;
use crate::rooms::converse::Converse;
use crate::rooms::{Bucket, Bus, Counter, Desk, Oracle, Post, Reply, Runs, Shelf};
use crate::trace::{Outcome, Trial, Trouble};

/// How long a message may be on its way from the bus to the queue.
const PATIENCE: u32 = 20;
const LONG: Duration = Duration::from_secs(3600);

/// What somebody really wants.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// An endpoint that is not on this machine.
    pub really: bool,
    /// The bucket, which must keep versions; without one, one is made.
    pub bucket: Option<String>,
    /// What the environment says of endpoints: each name that begins with `AWS_ENDPOINT_URL`, with its value.
    pub endpoints: Vec<(String, String)>,
}

/// The services.
struct Clients {
    s3: aws_sdk_s3::Client,
    tables: aws_sdk_dynamodb::Client,
    buses: aws_sdk_eventbridge::Client,
    queues: aws_sdk_sqs::Client,
    mails: aws_sdk_sesv2::Client,
}

/// The adapters of AWS.
pub struct CloudRoom {
    runtime: Runtime,
    config: SdkConfig,
    clients: Clients,
    /// The name of everything that was made.
    name: String,
    bucket: String,
    made_bucket: bool,
    /// The endpoint's address, for what moto tells of itself.
    endpoint: Option<String>,
    objects: S3Objects,
    analyses: TableAnalyses,
    sqs: SqsQueues,
    converse: Converse,
}

/// The endpoint, when it is one that the suite may be let loose on.
///
/// # Errors
/// When there is none, or when it is not on this machine and nobody really wants it.
pub fn endpoint(wish: &Wish) -> Result<Option<String>, Trouble> {
    let said = wish.endpoints.iter().find(|(name, url)| name == "AWS_ENDPOINT_URL" && !url.is_empty());
    let url = said.map(|(_, url)| url.clone());
    if wish.really {
        return if wish.bucket.is_some() {
            Ok(url)
        } else {
            Err("--really needs --bucket: the bucket to write to".into())
        };
    }
    let Some(url) = url else {
        return Err(
            "AWS_ENDPOINT_URL is not set: run it by `python3 scripts/emulator.py -- …`, or against AWS with \
                    --really --bucket NAME"
                .into(),
        );
    };
    let elsewhere = wish.endpoints.iter().filter(|(_, url)| !url.is_empty() && !is_here(url));
    let other: Vec<_> = elsewhere.map(|(name, _)| name.as_str()).collect();
    if other.is_empty() {
        return Ok(Some(url));
    }
    Err(format!("{} is not on this machine: --really --bucket NAME if that is meant", other.join(", "))
        .into())
}

/// Whether an address is one of this machine's own.
fn is_here(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host).trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl CloudRoom {
    /// Makes a room.
    ///
    /// # Errors
    /// When the endpoint is none for it, or refuses something.
    pub fn new(wish: &Wish) -> Result<Self, Trouble> {
        let endpoint = endpoint(wish)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let config = runtime.block_on(clients::sdk_config());
        let name = format!("conformance-{:016x}", fastrand::u64(..));
        let clients = Clients {
            s3: clients::s3(&config, true),
            tables: clients::dynamodb(&config),
            buses: clients::eventbridge(&config),
            queues: clients::sqs(&config),
            mails: clients::ses(&config),
        };
        let room = Self {
            objects: S3Objects::new(clients.s3.clone()),
            analyses: TableAnalyses::new(clients.tables.clone(), &name, 30),
            sqs: SqsQueues::new(clients.queues.clone()),
            converse: Converse::start()?,
            bucket: wish.bucket.clone().unwrap_or_else(|| name.clone()),
            made_bucket: wish.bucket.is_none(),
            runtime,
            config,
            clients,
            name,
            endpoint: endpoint.filter(|_| !wish.really),
        };
        room.runtime.block_on(async {
            room.make_bucket().await?;
            room.make_table().await?;
            room.make_bus().await?;
            room.make_sender().await
        })?;
        Ok(room)
    }

    async fn make_bucket(&self) -> Outcome {
        if !self.made_bucket {
            return Ok(());
        }
        let region = self.config.region().map(|region| BucketLocationConstraint::from(region.as_ref()));
        let place = CreateBucketConfiguration::builder().set_location_constraint(region).build();
        self.clients
            .s3
            .create_bucket()
            .bucket(&self.bucket)
            .create_bucket_configuration(place)
            .send()
            .await?;
        let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        self.clients
            .s3
            .put_bucket_versioning()
            .bucket(&self.bucket)
            .versioning_configuration(versions)
            .send()
            .await?;
        Ok(())
    }

    async fn make_table(&self) -> Outcome {
        let attribute = AttributeDefinition::builder()
            .attribute_name("run_id")
            .attribute_type(ScalarAttributeType::S)
            .build()?;
        let key = KeySchemaElement::builder().attribute_name("run_id").key_type(KeyType::Hash).build()?;
        let request =
            self.clients.tables.create_table().table_name(&self.name).attribute_definitions(attribute);
        request.key_schema(key).billing_mode(BillingMode::PayPerRequest).send().await?;
        for _ in 0..60 {
            let told = self.clients.tables.describe_table().table_name(&self.name).send().await?;
            if told.table().and_then(|table| table.table_status()).is_some_and(|s| s.as_str() == "ACTIVE") {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err("the table does not become active".into())
    }

    /// A bus, and a queue that gets everything that it is told.
    async fn make_bus(&self) -> Outcome {
        self.clients.buses.create_event_bus().name(&self.name).send().await?;
        let made = self.clients.queues.create_queue().queue_name(&self.name).send().await?;
        let url = made.queue_url().ok_or("the queue has no address")?;
        let arn = self.arn_of(url).await?;
        let policy = serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }],
        });
        let request = self.clients.queues.set_queue_attributes().queue_url(url);
        request.attributes(QueueAttributeName::Policy, policy.to_string()).send().await?;
        let pattern = r#"{"source": [{"prefix": "gristmill."}]}"#;
        let rule = self.clients.buses.put_rule().name(&self.name).event_bus_name(&self.name);
        rule.event_pattern(pattern).send().await?;
        let target = Target::builder().id("1").arn(arn).build()?;
        self.clients
            .buses
            .put_targets()
            .rule(&self.name)
            .event_bus_name(&self.name)
            .targets(target)
            .send()
            .await?;
        Ok(())
    }

    async fn make_sender(&self) -> Outcome {
        // On AWS a sender is verified by a person; nobody gets a mail from this suite there.
        if self.endpoint.is_some() {
            let made =
                self.clients.mails.create_email_identity().email_identity("mill@example.com").send().await;
            // An earlier run on this emulator has done it.
            if let Err(error) = made
                && !error.as_service_error().is_some_and(|e| e.is_already_exists_exception())
            {
                return Err(error.into());
            }
        }
        Ok(())
    }

    async fn arn_of(&self, url: &str) -> Result<String, Trouble> {
        let request = self.clients.queues.get_queue_attributes().queue_url(url);
        let told = request.attribute_names(QueueAttributeName::QueueArn).send().await?;
        let arn = told.attributes().and_then(|all| all.get(&QueueAttributeName::QueueArn));
        arn.cloned().ok_or_else(|| "the queue has no ARN".into())
    }

    /// What the emulator tells of the mails that it took (`scripts/emulator_server.py`).
    fn mails_taken(&self) -> Result<Vec<Value>, Trouble> {
        let url = self.endpoint.as_deref().ok_or("AWS does not tell of the mails that it took")?;
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        let address: SocketAddr = host.to_socket_addrs()?.next().ok_or("no address")?;
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        write!(stream, "GET /_services/mails HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8(answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no body")?;
        if head.split_whitespace().nth(1) != Some("200") {
            return Err(format!("{url} does not tell of mails: is it scripts/emulator.py? {head}").into());
        }
        Ok(serde_json::from_str(body)?)
    }

    /// Removes what was made.
    ///
    /// # Errors
    /// What was refused. What is left carries the room's name.
    pub fn tear_down(self) -> Outcome {
        self.runtime.block_on(async {
            let (buses, name) = (&self.clients.buses, &self.name);
            buses.remove_targets().rule(name).event_bus_name(name).ids("1").send().await?;
            buses.delete_rule().name(name).event_bus_name(name).send().await?;
            buses.delete_event_bus().name(name).send().await?;
            self.clients.tables.delete_table().table_name(name).send().await?;
            let queues = self.clients.queues.list_queues().queue_name_prefix(name).send().await?;
            for url in queues.queue_urls() {
                self.clients.queues.delete_queue().queue_url(url).send().await?;
            }
            self.empty_bucket().await?;
            if self.made_bucket {
                self.clients.s3.delete_bucket().bucket(&self.bucket).send().await?;
            }
            Ok(())
        })
    }

    /// Removes every version of what the cases have written.
    async fn empty_bucket(&self) -> Outcome {
        for prefix in ["input/", "processed/", "manifests/", "contracts/"] {
            loop {
                let request = self.clients.s3.list_object_versions().bucket(&self.bucket).prefix(prefix);
                let page = request.encoding_type(EncodingType::Url).send().await?;
                let versions = page.versions().iter().map(|version| (version.key(), version.version_id()));
                let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
                let found: Vec<_> = versions.chain(markers).collect();
                if found.is_empty() {
                    break;
                }
                for (key, version) in found {
                    let key = percent_decode_str(&key.unwrap_or_default().replace('+', " "))
                        .decode_utf8()?
                        .into_owned();
                    let request = self.clients.s3.delete_object().bucket(&self.bucket).key(key);
                    request.set_version_id(version.map(str::to_owned)).send().await?;
                }
            }
        }
        Ok(())
    }
}

impl Runs for CloudRoom {
    fn run(&self, trial: Trial<'_>) -> Outcome {
        self.runtime.block_on(trial)
    }
}

impl Bucket for CloudRoom {
    type Objects = S3Objects;

    fn objects(&self) -> S3Objects {
        self.objects.clone()
    }

    fn bucket(&self) -> &str {
        &self.bucket
    }

    async fn drop_object(&self, key: &str, bytes: &[u8]) -> Result<SourceObject, Trouble> {
        let put = self.clients.s3.put_object().bucket(&self.bucket).key(key);
        let put = put.body(ByteStream::from(bytes.to_vec())).send().await?;
        Ok(SourceObject {
            bucket: self.bucket.clone(),
            key: key.to_owned(),
            etag: ETag::parse(put.e_tag().ok_or("no tag")?),
            version_id: put.version_id().map(str::to_owned),
            size: bytes.len() as u64,
        })
    }

    async fn delete(&self, key: &str) -> Outcome {
        self.clients.s3.delete_object().bucket(&self.bucket).key(key).send().await?;
        Ok(())
    }

    async fn remove(&self, source: &SourceObject) -> Outcome {
        let request = self.clients.s3.delete_object().bucket(&self.bucket).key(&source.key);
        request.set_version_id(source.version_id.clone()).send().await?;
        Ok(())
    }

    async fn metadata(&self, key: &str) -> Result<Metadata, Trouble> {
        let told = self.clients.s3.head_object().bucket(&self.bucket).key(key).send().await?;
        Ok(told.metadata.unwrap_or_default().into_iter().collect())
    }
}

impl Shelf for CloudRoom {
    type Inventory = S3Objects;

    fn inventory(&self) -> S3Objects {
        self.objects.clone()
    }
}

impl Bus for CloudRoom {
    type Events = BusEvents;

    fn events(&self) -> BusEvents {
        BusEvents::new(self.clients.buses.clone(), &self.name)
    }

    async fn published(&self, at_least: usize) -> Result<Vec<PipelineEvent>, Trouble> {
        let mut events = Vec::new();
        for _ in 0..PATIENCE {
            for letter in self.sqs.receive(&self.name, LONG).await? {
                self.sqs.delete(&self.name, &letter.receipt).await?;
                match trigger::parse(&letter.body)?.trigger {
                    Trigger::Pipeline(event) => events.push(*event),
                    other => return Err(format!("not an event of the pipeline: {other:?}").into()),
                }
            }
            if events.len() >= at_least {
                break;
            }
        }
        Ok(events)
    }
}

impl Desk for CloudRoom {
    type Analyses = TableAnalyses;

    fn analyses(&self) -> &TableAnalyses {
        &self.analyses
    }

    async fn heard(&self, run: &RunId) -> Result<BTreeMap<FeedbackKind, Timestamp>, Trouble> {
        let key = AttributeValue::S(format!("{run}#mail"));
        let request = self.clients.tables.get_item().table_name(&self.name).key("run_id", key);
        let item = request.consistent_read(true).send().await?.item.unwrap_or_default();
        let mut heard = BTreeMap::new();
        for kind in [
            FeedbackKind::Sent,
            FeedbackKind::Delivered,
            FeedbackKind::Delayed,
            FeedbackKind::Bounced,
            FeedbackKind::Complained,
            FeedbackKind::Rejected,
            FeedbackKind::RenderingFailed,
        ] {
            if let Some(AttributeValue::S(at)) = item.get(&format!("heard_{}", kind.as_str())) {
                heard.insert(kind, at.parse()?);
            }
        }
        Ok(heard)
    }
}

impl Post for CloudRoom {
    type Mailer = SesMailer;

    fn mailer(&self) -> SesMailer {
        SesMailer::new(self.clients.mails.clone(), None)
    }

    fn refusable(&self, mail: Mail) -> Mail {
        Mail { from: "nobody@unverified.example.com".to_owned(), ..mail }
    }

    async fn mails(&self, run: &RunId) -> Result<usize, Trouble> {
        let subject =
            |mail: &Value| mail.get("subject").and_then(Value::as_str).map(str::to_owned).unwrap_or_default();
        let mails = self.mails_taken()?;
        Ok(mails.iter().filter(|mail| subject(mail).contains(run.short())).count())
    }
}

impl Oracle for CloudRoom {
    type Model = BedrockModel;

    fn model(&self) -> BedrockModel {
        // An endpoint in the environment would win over one in the common configuration.
        let client = clients::bedrock(&self.config);
        let config = client.config().to_builder().endpoint_url(&self.converse.url).build();
        BedrockModel::new(aws_sdk_bedrockruntime::Client::from_conf(config), MODEL_ID)
    }

    fn reply(&self, reply: Reply) {
        self.converse.set(reply);
    }
}

impl Counter for CloudRoom {
    type Queues = SqsQueues;

    fn queues(&self) -> &SqsQueues {
        &self.sqs
    }

    async fn make(&self, case: &str) -> Result<(String, String), Trouble> {
        let names = (format!("{}-{case}", self.name), format!("{}-{case}-dead", self.name));
        let dead = self.clients.queues.create_queue().queue_name(&names.1).send().await?;
        let arn = self.arn_of(dead.queue_url().ok_or("the queue has no address")?).await?;
        let redrive = serde_json::json!({"deadLetterTargetArn": arn, "maxReceiveCount": "2"});
        let request = self.clients.queues.create_queue().queue_name(&names.0);
        request.attributes(QueueAttributeName::RedrivePolicy, redrive.to_string()).send().await?;
        Ok(names)
    }

    async fn wait(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_addresses_are_here() {
        for url in [
            "http://127.0.0.1:5000",
            "http://localhost:1",
            "https://localhost",
            "http://[::1]:5000/",
            "http://127.9.9.9/x",
        ] {
            assert!(is_here(url), "{url}");
        }
        for url in [
            "https://s3.eu-central-1.amazonaws.com",
            "http://10.0.0.1:5000",
            "http://0.0.0.0:5000",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com:80",
            "http://user@example.com:127",
            "",
        ] {
            assert!(!is_here(url), "{url}");
        }
    }
}
