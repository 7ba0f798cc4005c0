//! The platform's own tables, in every service's database.

pub mod inbox {
    use sea_orm::entity::prelude::*;

    /// What has been decided.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "inbox")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub event_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub participant: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod outbox {
    use sea_orm::entity::prelude::*;

    /// Events that are decided and not published yet: those of one transaction in one row, in the order of the decisions.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "outbox")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        /// Which relay publishes it: one at a time holds a shard.
        pub shard: i32,
        pub at: DateTimeUtc,
        pub messages: i32,
        /// Encoded by `bus::codec`.
        pub records: Vec<u8>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

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
        /// The process that performs it, as long as that lives (`effect::ownership`).
        #[serde(default, skip_serializing)]
        pub owner: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod effect_batch {
    use sea_orm::entity::prelude::*;

    /// Calls to the outside that one transaction asked for and its process performs at once (`effect::batch`).
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

pub mod reminder {
    use sea_orm::entity::prelude::*;

    /// Inputs that come in later.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "reminders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        /// Another one every time it is set.
        pub id: Uuid,
        pub due: DateTimeUtc,
        pub body: String,
        pub trace: String,
        /// The event that led to it.
        pub cause: Option<Uuid>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod idempotency {
    use sea_orm::entity::prelude::*;

    /// What an idempotent command was answered.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency")]
    pub struct Model {
        /// Caller, route and `Idempotency-Key`.
        #[sea_orm(primary_key, auto_increment = false)]
        pub key: String,
        /// SHA-256 of the body.
        pub hash: Vec<u8>,
        pub reply: String,
        pub at: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod parked {
    use sea_orm::entity::prelude::*;

    /// A record that could not be decided, or that waits behind one of the same key and topic.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "parked")]
    pub struct Model {
        /// The event's id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub participant: String,
        /// The record's key as text, or as hex digits when it is none.
        pub key: String,
        pub topic: String,
        pub partition: i32,
        pub position: i64,
        /// The record as it came, encoded by `bus::codec`.
        pub record: Vec<u8>,
        /// `HELD`, `FAILING`, `QUEUED`, `DEAD`.
        pub state: String,
        pub error: String,
        pub attempts: i32,
        pub first_failed_at: DateTimeUtc,
        pub next_try: DateTimeUtc,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
