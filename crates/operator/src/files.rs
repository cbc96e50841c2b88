//! The files below a prefix as they are now, in order of their keys.

use std::collections::VecDeque;

use shared::ports::{Fault, Inventory, ListingPlace, StoredVersion};

/// A file by its newest version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum File {
    /// It is there.
    Current(StoredVersion),
    /// It was deleted: a delete marker lies on its versions, of which this is the newest.
    Deleted(StoredVersion),
}

/// A listing that goes on page by page.
#[derive(Debug)]
pub(crate) struct Files<'a, I> {
    inventory: &'a I,
    bucket: &'a str,
    prefix: &'a str,
    page: VecDeque<StoredVersion>,
    next: Option<ListingPlace>,
    is_begun: bool,
    last: Option<String>,
}

impl<'a, I: Inventory> Files<'a, I> {
    /// The files below a prefix, behind a key if there is one.
    pub(crate) fn below(inventory: &'a I, bucket: &'a str, prefix: &'a str, behind: Option<&str>) -> Self {
        let next = behind.map(|key| ListingPlace { key: key.to_owned(), version_id: None });
        Self { inventory, bucket, prefix, page: VecDeque::new(), next, is_begun: false, last: None }
    }

    /// The next file; `None` at the end. A folder's marker is no file.
    pub(crate) async fn next(&mut self) -> Result<Option<File>, Fault> {
        loop {
            let Some(version) = self.page.pop_front() else {
                if self.is_begun && self.next.is_none() {
                    return Ok(None);
                }
                let page = self.inventory.versions(self.bucket, self.prefix, self.next.as_ref()).await?;
                self.is_begun = true;
                self.next = page.next;
                self.page = page.versions.into();
                continue;
            };
            // Newest first: what follows under the same key is older.
            if version.source.key.ends_with('/') || self.last.as_ref() == Some(&version.source.key) {
                continue;
            }
            self.last = Some(version.source.key.clone());
            return Ok(Some(if version.is_latest { File::Current(version) } else { File::Deleted(version) }));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;
    use shared::memory::MemoryObjects;

    use super::*;

    fn keys(objects: &MemoryObjects, behind: Option<&str>) -> Vec<String> {
        block_on(async {
            let mut files = Files::below(objects, "b", "input/", behind);
            let mut keys = Vec::new();
            while let Some(file) = files.next().await.unwrap() {
                keys.push(match file {
                    File::Current(version) => format!("{} {}", version.source.key, version.source.size),
                    File::Deleted(version) => format!("{} deleted", version.source.key),
                });
            }
            keys
        })
    }

    #[test]
    fn each_file_comes_once_as_it_is_now_however_the_pages_are_cut() {
        let objects = MemoryObjects::new();
        for (key, bytes) in [
            ("a", "1"),
            ("a", "22"),
            ("b/", ""),
            ("c", "1"),
            ("c", "22"),
            ("d", "1"),
            ("d", "22"),
            ("d", "333"),
        ] {
            objects.put("b", &format!("input/{key}"), bytes);
        }
        objects.delete("b", "input/c");
        objects.put("b", "elsewhere", "1");
        for size in 1..9 {
            objects.set_page_size(size);
            assert_eq!(keys(&objects, None), ["input/a 2", "input/c deleted", "input/d 3"], "{size}");
            assert_eq!(keys(&objects, Some("input/a")), ["input/c deleted", "input/d 3"], "{size}");
            assert!(keys(&objects, Some("input/d")).is_empty());
        }
    }
}
