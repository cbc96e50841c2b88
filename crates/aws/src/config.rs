//! The settings of the three functions, from variables of one namespace.
//!
//! | variable | read by | default | meaning |
//! | --- | --- | --- | --- |
//! | `GRISTMILL_EVENT_BUS` | processor, analyzer | required | name or ARN of the pipeline's bus |
//! | `GRISTMILL_MAX_FILE_BYTES` | processor | `5368709120` | the largest file that is read |
//! | `GRISTMILL_MAX_UNPACKED_BYTES` | processor | `10737418240` | the most that a gzip archive may unpack to |
//! | `GRISTMILL_MAX_UNPACKED_RATIO` | processor | `200` | how many times its size an archive may unpack to |
//! | `GRISTMILL_TABLE` | analyzer, notifier | required | name of the table of analyses |
//! | `GRISTMILL_MODEL_ID` | analyzer | `amazon.nova-lite-v1:0` | model or inference profile; `off` for none |
//! | `GRISTMILL_SENDER` | notifier | required | the sender's address |
//! | `GRISTMILL_RECIPIENTS` | notifier | none | addresses, separated by commas, where a contract names none |
//! | `GRISTMILL_CONFIGURATION_SET` | notifier | none | SES configuration set |
//! | `GRISTMILL_OUTPUT_BASE` | notifier | none | what stands before a key in a mail: `s3://bucket`, or an `https` address |
//! | `GRISTMILL_UNSETTLED_MAIL` | notifier | `resend` | a mail of which nobody can tell whether it is out: `resend` or `park` |
//! | `GRISTMILL_RETENTION_DAYS` | analyzer, notifier | `365` | how long an analysis is kept, 45 to 3650 |
//! | `GRISTMILL_S3_PATH_STYLE` | all | `false` | `true` for emulators: bucket in the path |
//!
//! A variable that is empty counts as absent. One that is present and cannot be read is an error and never the
//! default. All problems are reported together.
//!
//! The shortest retention leaves room for what may still come back: a day in `EventBridge`, four in a queue,
//! fourteen in its dead-letter queue, and a replay.

use std::fmt;

use shared::intake::ArchiveLimits;

/// Name or ARN of the pipeline's bus.
pub const EVENT_BUS: &str = "GRISTMILL_EVENT_BUS";
/// Name of the table of analyses.
pub const TABLE: &str = "GRISTMILL_TABLE";
/// The model, or `off`.
pub const MODEL_ID: &str = "GRISTMILL_MODEL_ID";
/// The sender's address.
pub const SENDER: &str = "GRISTMILL_SENDER";
/// Recipients where a contract names none.
pub const RECIPIENTS: &str = "GRISTMILL_RECIPIENTS";
/// SES configuration set.
pub const CONFIGURATION_SET: &str = "GRISTMILL_CONFIGURATION_SET";
/// What stands before an output's key in a mail.
pub const OUTPUT_BASE: &str = "GRISTMILL_OUTPUT_BASE";
/// What is done about a mail of which nobody can tell whether it is out.
pub const UNSETTLED_MAIL: &str = "GRISTMILL_UNSETTLED_MAIL";
/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: &str = "GRISTMILL_MAX_FILE_BYTES";
/// The most bytes that a gzip archive may unpack to.
pub const MAX_UNPACKED_BYTES: &str = "GRISTMILL_MAX_UNPACKED_BYTES";
/// How many times its stored size a gzip archive may unpack to.
pub const MAX_UNPACKED_RATIO: &str = "GRISTMILL_MAX_UNPACKED_RATIO";
/// How long an analysis is kept, in days.
pub const RETENTION_DAYS: &str = "GRISTMILL_RETENTION_DAYS";
/// Whether the bucket stands in the path.
pub const S3_PATH_STYLE: &str = "GRISTMILL_S3_PATH_STYLE";

/// What the processor reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessorSettings {
    /// The pipeline's bus.
    pub event_bus: String,
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
    /// What a gzip archive may not exceed.
    pub archive: ArchiveLimits,
    /// Whether the bucket stands in the path.
    pub s3_path_style: bool,
}

/// What the analyzer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnalyzerSettings {
    /// The pipeline's bus.
    pub event_bus: String,
    /// The table of analyses.
    pub table: String,
    /// The model; `None` when it is switched off.
    pub model_id: Option<String>,
    /// How many days an analysis is kept.
    pub retention_days: u32,
    /// Whether the bucket stands in the path.
    pub s3_path_style: bool,
}

/// What the notifier reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifierSettings {
    /// The table of analyses.
    pub table: String,
    /// The sender's address.
    pub sender: String,
    /// Recipients where a contract names none.
    pub recipients: Vec<String>,
    /// SES configuration set.
    pub configuration_set: Option<String>,
    /// What stands before an output's key in a mail.
    pub output_base: Option<String>,
    /// Whether a mail of which nobody can tell whether it is out is sent again; otherwise its run is parked.
    pub resend_unsettled: bool,
    /// How many days an analysis is kept.
    pub retention_days: u32,
    /// Whether the bucket stands in the path.
    pub s3_path_style: bool,
}

impl ProcessorSettings {
    /// The variables that the processor reads.
    pub const VARIABLES: &[&str] =
        &[EVENT_BUS, MAX_FILE_BYTES, MAX_UNPACKED_BYTES, MAX_UNPACKED_RATIO, S3_PATH_STYLE];
    /// The largest file that is read unless another size is named: 5 GiB.
    pub const DEFAULT_MAX_FILE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

    /// Reads the settings through a lookup.
    ///
    /// # Errors
    /// [`Problems`] with everything that is missing or cannot be read.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut reader = Reader::new(lookup);
        let standard = ArchiveLimits::STANDARD;
        let settings = Self {
            event_bus: reader.required(EVENT_BUS),
            max_file_bytes: reader.number(MAX_FILE_BYTES, Self::DEFAULT_MAX_FILE_BYTES, 1, 5 << 40),
            archive: ArchiveLimits {
                unpacked_bytes: reader.number(MAX_UNPACKED_BYTES, standard.unpacked_bytes, 1, 5 << 40),
                ratio: reader.number(MAX_UNPACKED_RATIO, standard.ratio, 1, 2_000),
                ..standard
            },
            s3_path_style: reader.path_style(),
        };
        reader.finish(settings)
    }
}

impl AnalyzerSettings {
    /// The variables that the analyzer reads.
    pub const VARIABLES: &[&str] = &[EVENT_BUS, TABLE, MODEL_ID, RETENTION_DAYS, S3_PATH_STYLE];
    /// The model that is asked unless another is named.
    pub const DEFAULT_MODEL_ID: &str = "amazon.nova-lite-v1:0";

    /// Reads the settings through a lookup.
    ///
    /// # Errors
    /// [`Problems`] with everything that is missing or cannot be read.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut reader = Reader::new(lookup);
        let model_id = reader.optional(MODEL_ID).unwrap_or_else(|| Self::DEFAULT_MODEL_ID.to_owned());
        let settings = Self {
            event_bus: reader.required(EVENT_BUS),
            table: reader.required(TABLE),
            model_id: (!model_id.eq_ignore_ascii_case("off")).then_some(model_id),
            retention_days: reader.retention(),
            s3_path_style: reader.path_style(),
        };
        reader.finish(settings)
    }
}

impl NotifierSettings {
    /// The variables that the notifier reads.
    pub const VARIABLES: &[&str] = &[
        TABLE,
        SENDER,
        RECIPIENTS,
        CONFIGURATION_SET,
        OUTPUT_BASE,
        UNSETTLED_MAIL,
        RETENTION_DAYS,
        S3_PATH_STYLE,
    ];

    /// Reads the settings through a lookup.
    ///
    /// # Errors
    /// [`Problems`] with everything that is missing or cannot be read.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Problems> {
        let mut reader = Reader::new(lookup);
        let sender = reader.required(SENDER);
        if !sender.is_empty() {
            reader.check_address(SENDER, &sender);
        }
        let settings = Self {
            table: reader.required(TABLE),
            sender,
            recipients: reader.addresses(RECIPIENTS),
            configuration_set: reader.optional(CONFIGURATION_SET),
            output_base: reader.optional(OUTPUT_BASE),
            resend_unsettled: reader.choice(UNSETTLED_MAIL, ["resend", "park"]),
            retention_days: reader.retention(),
            s3_path_style: reader.path_style(),
        };
        reader.finish(settings)
    }
}

/// A variable that is missing or cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong, and what would be accepted.
    pub what: String,
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings are not complete")?;
        self.0.iter().try_for_each(|Problem { variable, what }| write!(f, "; {variable} {what}"))
    }
}

impl std::error::Error for Problems {}

struct Reader<L> {
    lookup: L,
    problems: Vec<Problem>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn new(lookup: L) -> Self {
        Self { lookup, problems: Vec::new() }
    }

    fn problem(&mut self, variable: &'static str, what: impl Into<String>) {
        self.problems.push(Problem { variable, what: what.into() });
    }

    fn optional(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    /// An empty text stands in for what is missing; [`finish`](Self::finish) never lets it out.
    fn required(&mut self, variable: &'static str) -> String {
        self.optional(variable).unwrap_or_else(|| {
            self.problem(variable, "is missing");
            String::new()
        })
    }

    fn number(&mut self, variable: &'static str, default: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.optional(variable) else { return default };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.problem(
                    variable,
                    format!("is {text:?}; a whole number from {least} to {most} is accepted"),
                );
                default
            }
        }
    }

    fn retention(&mut self) -> u32 {
        u32::try_from(self.number(RETENTION_DAYS, 365, 45, 3650)).unwrap_or(365)
    }

    fn path_style(&mut self) -> bool {
        !self.choice(S3_PATH_STYLE, ["false", "true"])
    }

    /// Whether the variable names the first of two words, which is also the default.
    fn choice(&mut self, variable: &'static str, [first, second]: [&str; 2]) -> bool {
        match self.optional(variable) {
            None => true,
            Some(word) if word == first => true,
            Some(word) if word == second => false,
            Some(other) => {
                self.problem(variable, format!("is {other:?}; {first} or {second} is accepted"));
                true
            }
        }
    }

    fn addresses(&mut self, variable: &'static str) -> Vec<String> {
        let list = self.optional(variable).unwrap_or_default();
        let addresses: Vec<String> =
            list.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        for address in &addresses {
            self.check_address(variable, address);
        }
        addresses
    }

    /// Not a parser of addresses: it catches a value that got into the wrong variable.
    fn check_address(&mut self, variable: &'static str, address: &str) {
        let has_both_sides =
            address.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
        if !has_both_sides || address.chars().any(char::is_control) {
            self.problem(
                variable,
                format!("holds {address:?}; an address such as reports@example.com is accepted"),
            );
        }
    }

    fn finish<T>(self, settings: T) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(settings) } else { Err(Problems(self.problems)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn what_is_not_set_has_the_documented_default() {
        let settings =
            AnalyzerSettings::from_lookup(from(&[(EVENT_BUS, "bus"), (TABLE, "analyses")])).unwrap();
        assert_eq!(settings.model_id.as_deref(), Some("amazon.nova-lite-v1:0"));
        assert_eq!(settings.retention_days, 365);
        assert!(!settings.s3_path_style);
    }

    #[test]
    fn the_model_can_be_switched_off() {
        let pairs = [(EVENT_BUS, "bus"), (TABLE, "analyses"), (MODEL_ID, "off")];
        assert_eq!(AnalyzerSettings::from_lookup(from(&pairs)).unwrap().model_id, None);
    }

    #[test]
    fn all_problems_are_reported_together() {
        let pairs = [
            (SENDER, "nobody"),
            (RECIPIENTS, "a@example.com, b"),
            (UNSETTLED_MAIL, "forget"),
            (RETENTION_DAYS, "7"),
            (S3_PATH_STYLE, "yes"),
        ];
        let problems = NotifierSettings::from_lookup(from(&pairs)).unwrap_err();
        let names: Vec<&str> = problems.0.iter().map(|problem| problem.variable).collect();
        assert_eq!(names, [SENDER, TABLE, RECIPIENTS, UNSETTLED_MAIL, RETENTION_DAYS, S3_PATH_STYLE]);
        let told = problems.to_string();
        assert!(told.contains("is \"forget\"; resend or park is accepted"), "{told}");
        assert!(told.contains("is \"yes\"; false or true is accepted"), "{told}");
        assert!(told.contains("GRISTMILL_TABLE is missing"), "{told}");
        assert!(told.contains("45 to 3650"), "{told}");
    }

    #[test]
    fn an_empty_variable_counts_as_absent() {
        let problems = ProcessorSettings::from_lookup(from(&[(EVENT_BUS, " ")])).unwrap_err();
        assert_eq!(problems.0, [Problem { variable: EVENT_BUS, what: "is missing".into() }]);
    }

    #[test]
    fn recipients_are_split_at_commas() {
        let pairs = [
            (TABLE, "t"),
            (SENDER, "Mill <mill@example.com>"),
            (RECIPIENTS, "a@example.com,, b@example.com "),
        ];
        let settings = NotifierSettings::from_lookup(from(&pairs)).unwrap();
        assert_eq!(settings.recipients, ["a@example.com", "b@example.com"]);
        assert_eq!(settings.output_base, None);
    }

    #[test]
    fn a_mail_that_nobody_can_tell_of_is_sent_again_unless_it_is_to_be_parked() {
        for (word, expected) in [("", true), ("resend", true), ("park", false)] {
            let pairs = [(TABLE, "t"), (SENDER, "a@example.com"), (UNSETTLED_MAIL, word)];
            let settings = NotifierSettings::from_lookup(from(&pairs)).unwrap();
            assert_eq!(settings.resend_unsettled, expected, "{word}");
        }
    }

    #[test]
    fn the_listed_variables_are_the_ones_that_are_read() {
        use std::cell::RefCell;
        let read = RefCell::new(std::collections::BTreeSet::new());
        let spy = |name: &str| {
            read.borrow_mut().insert(name.to_owned());
            None
        };
        let sorted = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let _ = ProcessorSettings::from_lookup(spy);
        assert_eq!(read.take(), sorted(ProcessorSettings::VARIABLES));
        let _ = AnalyzerSettings::from_lookup(spy);
        assert_eq!(read.take(), sorted(AnalyzerSettings::VARIABLES));
        let _ = NotifierSettings::from_lookup(spy);
        assert_eq!(read.take(), sorted(NotifierSettings::VARIABLES));
    }

    /// The other side of this list is the Terraform's: its tests compare what it tells each function with it.
    #[test]
    fn the_infrastructure_knows_the_same_variables() {
        let listed: std::collections::BTreeMap<String, Vec<String>> =
            serde_json::from_str(include_str!("../../../infrastructure/environment.json")).unwrap();
        let sorted = |names: &[&str]| {
            let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            names.sort();
            names
        };
        let read = [
            ("analyzer", AnalyzerSettings::VARIABLES),
            ("notifier", NotifierSettings::VARIABLES),
            ("processor", ProcessorSettings::VARIABLES),
        ];
        let read = read.map(|(function, names)| (function.to_owned(), sorted(names)));
        assert_eq!(listed, std::collections::BTreeMap::from(read));
    }
}
