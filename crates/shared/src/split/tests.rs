use super::*;
use crate::contract::Contract;
use crate::rows::Limits;

#[test]
fn violations_are_counted_by_column_also_when_its_name_is_written_in_another_case() {
    let contract = Contract::parse(
        r#"{"name": "n", "schema": {"fields": [{"name": "Ä", "type": "integer"}, {"name": "Ö", "type": "integer"}]}}"#
            .as_bytes(),
    )
    .unwrap();
    let bytes = "ä,ö\nx,y\n1,z\n".as_bytes();
    let mut opening = Opening::new(Limits::STANDARD);
    opening.space()[..bytes.len()].copy_from_slice(bytes);
    opening.filled(bytes.len());
    opening.filled(0);
    let found = opening.find(&[&contract]).unwrap();
    let origin =
        Origin { source_file: "f".into(), received_at: "t".into(), run_id: "r".into(), columns: Vec::new() };
    let mut split = Split::new(opening.take(found), &origin, &[]);
    assert_eq!(split.advance().unwrap(), Progress::Done);
    let counts: Vec<_> =
        split.tally().violations().into_iter().map(|kind| (kind.column.unwrap(), kind.count)).collect();
    assert_eq!(counts, [("Ö".to_owned(), 2), ("Ä".to_owned(), 1)]);
}
