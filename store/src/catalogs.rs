//! Catalog documents: stored whole, switched whole.

use ring::digest::{SHA256, digest};
use rusqlite::{OptionalExtension, params};

use crate::error::{StoreError, Trying};
use crate::schema::{Clocks, Store};

/// A catalog document as the shop wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CatalogDocument {
    /// Its revision.
    pub rev: u64,
    /// The document's bytes; already checked.
    pub bytes: Vec<u8>,
}

/// The active catalog.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ActiveCatalog {
    /// SHA-256 of the document.
    pub sha256: [u8; 32],
    /// The document.
    pub document: CatalogDocument,
}

/// SHA-256 of a document, by which the store knows it.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// Catalogs kept besides the active one, so that a person can go back.
const KEPT: u32 = 5;

impl Store {
    /// Stores a checked document and makes it the active one, in one transaction. Storing the same again is
    /// no error. Returns its SHA-256.
    ///
    /// # Errors
    /// The disk refuses; the catalog before stays active.
    pub fn activate_catalog(
        &mut self,
        document: &CatalogDocument,
        clocks: Clocks,
    ) -> Result<[u8; 32], StoreError> {
        if self.poisoned {
            return Err(StoreError::Poisoned);
        }
        let sha256 = sha256(&document.bytes);
        let transaction = self.connection.transaction().trying("begin a catalog switch")?;
        let what = "switch the catalog";
        transaction
            .execute(
                "INSERT INTO catalog_snapshot (sha256, rev, document, added_ms) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (sha256) DO UPDATE SET added_ms = excluded.added_ms",
                params![sha256, document.rev.cast_signed(), document.bytes, clocks.wall_ms],
            )
            .trying(what)?;
        transaction
            .execute(
                "INSERT INTO catalog_active (one, sha256) VALUES (1, ?1)
                 ON CONFLICT (one) DO UPDATE SET sha256 = excluded.sha256",
                [sha256],
            )
            .trying(what)?;
        transaction
            .execute(
                "DELETE FROM catalog_snapshot WHERE sha256 NOT IN
                     (SELECT sha256 FROM catalog_snapshot ORDER BY added_ms DESC LIMIT ?1)
                 AND sha256 NOT IN (SELECT sha256 FROM catalog_active)",
                [KEPT],
            )
            .trying(what)?;
        transaction.commit().trying(what)?;
        Ok(sha256)
    }

    /// The active catalog, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn active_catalog(&self) -> Result<Option<ActiveCatalog>, StoreError> {
        self.connection
            .query_row(
                "SELECT sha256, rev, document FROM catalog_active JOIN catalog_snapshot USING (sha256)",
                [],
                |row| {
                    Ok(ActiveCatalog {
                        sha256: row.get(0)?,
                        document: CatalogDocument {
                            rev: row.get::<_, i64>(1)?.cast_unsigned(),
                            bytes: row.get(2)?,
                        },
                    })
                },
            )
            .optional()
            .trying("read the active catalog")
    }
}
