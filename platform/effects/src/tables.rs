//! The tables of requests. Their migrations are those of the `saga` crate.

pub mod effect {
    use sea_orm::entity::prelude::*;
    use serde::{Deserialize, Serialize};

    /// A call to the outside that is still to be made. Also stored as JSON (`effect_batch`): names of fields are for ever.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DeriveEntityModel)]
    #[sea_orm(table_name = "effects")]
    pub struct Model {
        /// The idempotency key, the same at every attempt.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// Rises whenever a process takes it. Late outcomes carry an old epoch and are discarded.
        #[sea_orm(primary_key, auto_increment = false)]
        pub epoch: i32,
        /// The request's name.
        pub name: String,
        /// The aggregate it is about.
        pub about: Uuid,
        /// The request as JSON.
        pub request: String,
        pub trace: String,
        /// The event that led to it.
        pub cause: Option<Uuid>,
        pub requested_at: DateTimeUtc,
        /// Attempts that have failed.
        pub attempts: i32,
        pub error: Option<String>,
        /// When a process may take it. While it is owned: a time far ahead, for programs that know no owners.
        pub due: DateTimeUtc,
        /// Whether it is owned, for programs that know no owners.
        pub leased: bool,
        /// The process that performs it, as long as that lives (`ownership`).
        #[serde(default, skip_serializing)]
        pub owner: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod effect_batch {
    use sea_orm::entity::prelude::*;

    /// Calls to the outside that one transaction asked for and its process performs at once (`batch`).
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "effect_batches")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// When another process may take the open requests. While it is owned: a time far ahead.
        pub due: DateTimeUtc,
        /// A bit for each request, the lowest of a byte first. Bits that stand for none are set.
        pub settled: Vec<u8>,
        /// `effect::Model`s as a JSON array, packed: length of that (4 bytes, little-endian), LZ4 block.
        pub requests: Vec<u8>,
        /// The process that performs the requests, as long as that lives.
        pub owner: Option<Uuid>,
        /// Rises whenever a process takes it over. Late outcomes carry an old epoch and are discarded.
        pub epoch: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod settled {
    use sea_orm::entity::prelude::*;

    /// The part of an [`effect_batch`](super::effect_batch) that changes: read without what was asked for.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "effect_batches")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub settled: Vec<u8>,
        pub epoch: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod process {
    use sea_orm::entity::prelude::*;

    /// A running process that performs requests.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "processes")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        /// Raised by the process once a second.
        pub beat: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
