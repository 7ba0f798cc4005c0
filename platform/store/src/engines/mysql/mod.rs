//! Transactions on MySQL and MariaDB are made on SeaORM's own connections.

pub(crate) mod bulk;
