//! The contract parser.

use shared::contract::Contract;

/// Whatever the bytes: a contract that can be read again from its own descriptor, or problems that say where.
pub(crate) fn check(input: &[u8]) {
    match Contract::parse(input) {
        Ok(contract) => {
            let again = serde_json::to_vec(&contract.descriptor).unwrap();
            let again = Contract::parse(&again).unwrap();
            assert_eq!(again.descriptor, contract.descriptor);
            assert!(!contract.fields.is_empty() && contract.fields.len() <= 256);
        }
        Err(broken) => {
            assert!(!broken.problems.is_empty());
            for problem in &broken.problems {
                assert!(problem.pointer.is_empty() || problem.pointer.starts_with('/'), "{problem:?}");
                assert!(!problem.message.is_empty(), "{problem:?}");
            }
        }
    }
}
