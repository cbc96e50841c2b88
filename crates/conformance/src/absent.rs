//! What an adapter has no notion of, and why. Everything else is tried.

use crate::suite::{Adapter, Part};

/// Cases that are not for an adapter.
#[derive(Debug)]
pub struct Absence {
    /// Whose.
    pub adapter: Adapter,
    /// Of which part.
    pub part: Part,
    /// The cases; none means the whole part.
    pub cases: &'static [&'static str],
    /// Why.
    pub reason: &'static str,
}

const NO_VERSIONS: &str = "a file system keeps no versions: what was replaced or deleted is gone";
const NO_MARKERS: &str = "nobody deletes in the simulation but for good, so its bucket has no delete markers";

/// All of it.
pub const ALL: &[Absence] = &[
    Absence {
        adapter: Adapter::Local,
        part: Part::Objects,
        cases: &[
            "an_old_version_is_read_after_it_was_replaced",
            "a_deleted_object_is_not_found_and_its_version_is",
            "a_version_with_another_tag_is_a_change",
        ],
        reason: NO_VERSIONS,
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Objects,
        cases: &["keys_that_climb_are_only_keys"],
        reason: "a key becomes a path, and a path must stay below its folder: such keys are refused",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Uploads,
        cases: &["keys_of_outputs_do_not_climb"],
        reason: "a key becomes a path, and a path must stay below its folder: such keys are refused",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Objects,
        cases: &["a_prefix_is_no_folder", "what_is_deleted_is_not_listed"],
        reason: "the stages list contracts and nothing else, and so do local files",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Uploads,
        cases: &["metadata_comes_along"],
        reason: "files have no metadata; the manifest holds all of it",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Inventory,
        cases: &[],
        reason: "a run over local files has no sweep: whoever starts it names the files",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Mails,
        cases: &["the_owner_of_an_unsettled_send_waits_like_others"],
        reason: "sending again writes the same three files: there is no second mail to fear, so the owner need not wait",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Mails,
        cases: &["what_was_heard_is_written_down_once"],
        reason: "no mail service ever speaks of a mail that is a file; its word settles the mail and is not kept",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Mailer,
        cases: &["a_mail_that_is_handed_over_twice_is_two"],
        reason: "a run has one mail, and its files are written anew",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Model,
        cases: &[],
        reason: "a machine without an account has no model: there is no value of its type",
    },
    Absence {
        adapter: Adapter::Local,
        part: Part::Queues,
        cases: &[],
        reason: "the stages are run one after the other, without queues",
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Objects,
        cases: &[
            "a_deleted_object_is_not_found_and_its_version_is",
            "a_deleted_small_object_is_absent",
            "what_is_deleted_is_not_listed",
        ],
        reason: NO_MARKERS,
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Uploads,
        cases: &["what_was_deleted_is_written_anew"],
        reason: NO_MARKERS,
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Inventory,
        cases: &["a_delete_marker_is_no_version_and_the_latest"],
        reason: NO_MARKERS,
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Uploads,
        cases: &["metadata_comes_along"],
        reason: "the simulation judges bytes and keeps no metadata",
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Model,
        cases: &[],
        reason: "its model answers by chance, and cannot be told what to say",
    },
    Absence {
        adapter: Adapter::Simulation,
        part: Part::Queues,
        cases: &[],
        reason: "the simulation's queues feed its functions, and no port is on them",
    },
];

/// Why a case is not for an adapter.
#[must_use]
pub fn reason(adapter: Adapter, part: Part, case: &str) -> Option<&'static str> {
    let listed = |absence: &&Absence| {
        absence.adapter == adapter
            && absence.part == part
            && (absence.cases.is_empty() || absence.cases.contains(&case))
    };
    ALL.iter().find(listed).map(|absence| absence.reason)
}
