//! Who gets a mail: the contract's routing, then the settings. Never anything from the file.

use shared::contract::Routing;
use shared::manifest::Status;

use crate::settings::Settings;

/// The addresses for a mail about a run that ended so, each once. Empty when nobody is named anywhere.
pub(crate) fn of(status: Status, routing: Option<&Routing>, settings: &Settings) -> Vec<String> {
    let (results, problems) =
        routing.map_or((&[][..], &[][..]), |r| (r.results.as_slice(), r.problems.as_slice()));
    let defaults = settings.default_recipients.as_slice();
    let preference = match status {
        Status::Completed => [results, defaults, &[]],
        Status::Rejected | Status::Held => [problems, results, defaults],
    };
    let chosen = preference.into_iter().find(|addresses| !addresses.is_empty()).unwrap_or_default();
    let mut recipients: Vec<String> = Vec::with_capacity(chosen.len());
    for address in chosen {
        if !recipients.iter().any(|known| known.eq_ignore_ascii_case(address)) {
            recipients.push(address.clone());
        }
    }
    recipients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_go_to_results_and_problems_to_whoever_cares_most() {
        // results, problems, defaults -> of a report, of a problem
        for (results, problems, defaults, report, problem) in [
            ("r", "p", "d", "r", "p"),
            ("r", "", "d", "r", "r"),
            ("", "p", "d", "d", "p"),
            ("", "", "d", "d", "d"),
            ("", "p", "", "", "p"),
            ("", "", "", "", ""),
        ] {
            let list =
                |name: &str| if name.is_empty() { vec![] } else { vec![format!("{name}@example.com")] };
            let routing = Routing { results: list(results), problems: list(problems), ..Routing::default() };
            let settings = Settings { default_recipients: list(defaults), ..Settings::default() };
            assert_eq!(of(Status::Completed, Some(&routing), &settings), list(report));
            assert_eq!(of(Status::Rejected, Some(&routing), &settings), list(problem));
            assert_eq!(of(Status::Held, Some(&routing), &settings), list(problem));
            assert_eq!(of(Status::Held, None, &settings), list(defaults));
        }
    }

    #[test]
    fn nobody_is_addressed_twice() {
        let addresses = ["a@example.com", "A@Example.com", "b@example.com"].map(str::to_owned).to_vec();
        let routing = Routing { results: addresses, ..Routing::default() };
        let recipients = of(Status::Completed, Some(&routing), &Settings::default());
        assert_eq!(recipients, ["a@example.com", "b@example.com"]);
    }
}
