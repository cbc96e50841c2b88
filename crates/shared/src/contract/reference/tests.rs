use super::*;

const CONTRACT: &str = r#"{
    "name": "trips",
    "schema": {
        "missingValues": ["", "-"],
        "fields": [
            {"name": "country", "type": "string"},
            {"name": "city", "type": "string"},
            {"name": "line", "type": "integer", "missingValues": ["none"]}
        ],
        "foreignKeys": [
            {"fields": ["country", "city"], "reference": {"resource": "cities", "fields": ["Country", "city"]}},
            {"fields": "line", "reference": {"resource": "lines", "fields": "number"}},
            {"fields": "country", "reference": {"resource": "cities", "fields": "country"}}
        ]
    }
}"#;

const CITIES: &str =
    "\u{feff}name,country,city\nLutetia,FR,Paris\n\"a,b\",FR,Lyon\nx,-,Nowhere\ny,FR,Paris\n";

fn contract() -> Contract {
    Contract::parse(CONTRACT.as_bytes()).unwrap()
}

fn files(cities: &str, lines: &str) -> BTreeMap<String, ReferenceFile> {
    let found = |text: &str| ReferenceFile::Found(text.as_bytes().into());
    BTreeMap::from([("cities.csv".to_owned(), found(cities)), ("lines.csv".to_owned(), found(lines))])
}

/// What is wrong with the list of lines.
fn wrong(lines: &str) -> String {
    let (_, broken) = contract().with_references(&files(CITIES, lines)).unwrap_err();
    let problems: Vec<String> = broken.problems.iter().map(ToString::to_string).collect();
    problems.join("\n")
}

#[test]
fn the_values_of_several_files_are_read_each_once() {
    let contract = contract();
    assert_eq!(contract.reference_files(), ["cities.csv", "lines.csv"]);
    let contract =
        contract.with_references(&files(CITIES, "number\n1\n2\n+2\nnone\n")).unwrap_or_else(|_| panic!());
    let counts: Vec<usize> =
        contract.foreign_keys.iter().map(|key| key.values.as_ref().unwrap().len()).collect();
    // A record without a value in one of the columns is none; equal values are one.
    assert_eq!(counts, [2, 2, 1]);
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_its_place_and_what_to_do() {
    let at = "/schema/foreignKeys/1/reference";
    for (lines, what) in [
        ("no\n1\n", format!("{at}/fields: in lines.csv, there is no column \"number\"; known here: \"no\"")),
        (
            "numbr\n1\n",
            format!("{at}/fields: in lines.csv, there is no column \"number\"; did you mean \"numbr\"?"),
        ),
        (
            "number, Number\n1,2\n",
            format!("{at}/fields: lines.csv has two columns named \"number\": rename one of them"),
        ),
        (
            "number\n1\nten\n",
            format!(
                "{at}/resource: lines.csv has \"ten\" in line 3, which is not of the type integer that the field line has"
            ),
        ),
        ("number\n", format!("{at}/resource: lines.csv has no values in number")),
        ("", format!("{at}/resource: lines.csv has no values in number")),
        (
            "number\n1,2\n",
            format!(
                "{at}/resource: lines.csv has 2 cells in line 2 and 1 in its header: separate cells by commas, and put those that hold a comma in quotes"
            ),
        ),
        ("number\n\"1\n", format!("{at}/resource: lines.csv opens a quote on line 2 and never closes it")),
        (
            "number\n\"1\"x\n",
            format!("{at}/resource: lines.csv cannot be read in line 2: write it as CSV (RFC 4180)"),
        ),
    ] {
        assert_eq!(wrong(lines), what, "{lines:?}");
    }
    let large = format!("number\n{}", "1\n".repeat(MAX_REFERENCE_BYTES / 2));
    assert!(wrong(&large).contains("lines.csv has 1048583 bytes: at most 1048576 are allowed"));
    let long = format!("number\n{}", "1\n".repeat(MAX_REFERENCE_ROWS + 1));
    assert!(wrong(&long).contains("more than 50000 rows"));
    let just = &long[..long.len() - 2];
    assert!(contract().with_references(&files(CITIES, just)).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_told_for_each_key_that_refers_to_it() {
    let (contract, broken) = contract().with_references(&BTreeMap::new()).unwrap_err();
    let pointers: Vec<&str> = broken.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        [
            "/schema/foreignKeys/0/reference/resource",
            "/schema/foreignKeys/1/reference/resource",
            "/schema/foreignKeys/2/reference/resource"
        ]
    );
    assert_eq!(
        broken.problems[1].message,
        "there is no file lines.csv beside the contract: put it there, as CSV in UTF-8, with number in its header"
    );
    assert_eq!(contract.name, "trips");
    assert!(contract.references.iter().all(|file| file.sha256.is_none()));
}

#[test]
fn the_bytes_of_each_file_are_part_of_the_digest() {
    let alone = contract().digest;
    let digest = |cities: &str, lines: &str| {
        contract().with_references(&files(cities, lines)).unwrap_or_else(|_| panic!()).digest
    };
    let both = digest(CITIES, "number\n1\n");
    assert_ne!(both, alone);
    assert_eq!(both, digest(CITIES, "number\n1\n"));
    assert_ne!(both, digest(CITIES, "number\n1\n\n"));
    assert_ne!(both, digest(&CITIES.replace("Lyon", "Lille"), "number\n1\n"));
    let broken =
        |files: &BTreeMap<String, ReferenceFile>| contract().with_references(files).unwrap_err().0.digest;
    let (absent, empty) = (broken(&BTreeMap::new()), broken(&files("", "")));
    assert_ne!(absent, empty);
    assert_ne!(absent, alone);
    assert_ne!(absent, both);
    // A contract without foreign keys keeps its own.
    let plain = Contract::parse(br#"{"name": "n", "schema": {"fields": [{"name": "a"}]}}"#).unwrap();
    let digest = plain.digest.clone();
    assert_eq!(plain.with_references(&BTreeMap::new()).unwrap_or_else(|_| panic!()).digest, digest);
}
