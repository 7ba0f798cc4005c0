//! The platform's own tables, in every service's database.

pub use effects::tables::{effect, effect_batch, process};

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
