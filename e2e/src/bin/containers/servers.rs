//! The servers: images, setup, readiness.

use std::{collections::HashMap, process::Command, time::Duration};

use clap::ValueEnum;
use e2e::system::free_address;
use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt,
    bollard::models::{HostConfig, PortBinding},
    core::{CmdWaitFor, ExecCommand, Healthcheck, WaitFor},
    runners::AsyncRunner,
};

use crate::Failure;

/// Longest start of a server.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Server {
    Kafka,
    Postgres,
    Mariadb,
}

/// A planned server.
#[derive(Debug)]
pub struct Place {
    server: Server,
    /// Name of the container, to find it even if its start has failed.
    name: String,
    port: u16,
    password: String,
}

/// A server that is ready. Dropping this value stops it.
#[derive(Debug)]
pub struct Running {
    pub server: Server,
    /// URL with a user that has all permissions that tests need: `bus.url`, or `database.url` of an
    /// existing database.
    pub url: String,
    pub container: ContainerAsync<GenericImage>,
}

impl Place {
    pub fn new(server: Server) -> Result<Self, Failure> {
        let name = format!("uzon-test-{}-{:08x}", server.name(), rand::random::<u32>());
        Ok(Self { server, name, port: free_address()?.port(), password: format!("{:032x}", rand::random::<u128>()) })
    }

    pub async fn start(&self) -> Result<Running, Failure> {
        let Self { server, name, port, password } = self;
        let (image, tag) = server.name_and_tag();
        let request = GenericImage::new(image, tag)
            .with_wait_for(WaitFor::healthcheck())
            .with_container_name(name)
            .with_startup_timeout(WAIT_TIMEOUT)
            .with_host_config_modifier(publish(server.port(), *port));
        let request = match server {
            Server::Kafka => kafka(request, *port),
            Server::Postgres => postgres(request, password),
            Server::Mariadb => mariadb(request, password),
        };
        let container = request.start().await.map_err(|error| format!("{}: {error}", server.image()))?;
        let url = match server {
            Server::Kafka => format!("kafka://127.0.0.1:{port}"),
            Server::Postgres => {
                admit(&container, password).await?;
                format!("postgres://uzon_admin:{password}@127.0.0.1:{port}/postgres")
            }
            Server::Mariadb => format!("mysql://root:{password}@127.0.0.1:{port}/mysql"),
        };
        Ok(Running { server: *server, url, container })
    }

    /// Removes the container if it is left.
    pub fn clear(&self) {
        let done = Command::new("docker").args(["rm", "--force", "--volumes", &self.name]).output();
        let errors =
            done.map_or_else(|error| error.to_string(), |done| String::from_utf8_lossy(&done.stderr).into_owned());
        if !(errors.is_empty() || ["No such container", "already in progress"].iter().any(|fine| errors.contains(fine)))
        {
            eprintln!("containers: {} may still exist: {errors}", self.name);
        }
    }
}

impl Server {
    /// Name and tag of the image. Docker Compose uses the same for Kafka and PostgreSQL.
    fn name_and_tag(self) -> (&'static str, &'static str) {
        let name = match self {
            Self::Kafka => "apache/kafka",
            Self::Postgres => "postgres",
            Self::Mariadb => return ("mariadb", "11.8"),
        };
        let tag = include_str!("../../../../compose/docker-compose.yml").lines().find_map(|line| {
            let (image, tag) = line.trim().strip_prefix("image: ")?.split_once(':')?;
            (image == name).then_some(tag)
        });
        (name, tag.expect("Compose starts it"))
    }

    pub fn image(self) -> String {
        let (name, tag) = self.name_and_tag();
        format!("{name}:{tag}")
    }

    /// Environment variable of the address.
    pub fn variable(self) -> String {
        format!("UZON_TEST_{}", self.name().to_uppercase())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    /// Port inside the container.
    fn port(self) -> u16 {
        match self {
            Self::Kafka => 9092,
            Self::Postgres => 5432,
            Self::Mariadb => 3306,
        }
    }
}

/// On loopback at a fixed port: a restarted server has the same address.
fn publish(inside: u16, outside: u16) -> impl Fn(&mut HostConfig) + Send + Sync + 'static {
    move |config| {
        let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(outside.to_string()) };
        config.publish_all_ports = None;
        config.port_bindings = Some(HashMap::from([(format!("{inside}/tcp"), Some(vec![binding]))]));
    }
}

fn healthy(command: impl IntoIterator<Item = &'static str>) -> Healthcheck {
    let often = Duration::from_millis(500);
    Healthcheck::cmd(command).with_interval(often).with_timeout(Duration::from_secs(5)).with_retries(240)
}

/// One broker, which is its own controller. Commands in the container use port 19092; the
/// advertised address is for clients outside. Few threads: see `compose/native/kafka`.
fn kafka(request: ContainerRequest<GenericImage>, port: u16) -> ContainerRequest<GenericImage> {
    let settings = [
        ("NODE_ID", "1"),
        ("PROCESS_ROLES", "broker,controller"),
        ("CONTROLLER_QUORUM_VOTERS", "1@localhost:9093"),
        ("CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("LISTENERS", "CLIENT://:9092,INSIDE://localhost:19092,CONTROLLER://localhost:9093"),
        ("LISTENER_SECURITY_PROTOCOL_MAP", "CLIENT:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT"),
        ("INTER_BROKER_LISTENER_NAME", "INSIDE"),
        ("NUM_NETWORK_THREADS", "1"),
        ("NUM_IO_THREADS", "2"),
        ("OFFSETS_TOPIC_NUM_PARTITIONS", "4"),
        ("OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1"),
        ("TRANSACTION_STATE_LOG_MIN_ISR", "1"),
        ("SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR", "1"),
        ("SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR", "1"),
        ("GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
        ("AUTO_CREATE_TOPICS_ENABLE", "false"),
        ("BROKER_HEARTBEAT_INTERVAL_MS", "500"),
        ("BROKER_SESSION_TIMEOUT_MS", "3000"), // a killed broker can return soon
        ("HEAP_OPTS", "-Xms512m -Xmx512m"),
    ];
    let advertised = format!("CLIENT://127.0.0.1:{port},INSIDE://localhost:19092");
    let request = request.with_env_var("KAFKA_ADVERTISED_LISTENERS", advertised);
    let request = settings.iter().fold(request, |it, (name, value)| it.with_env_var(format!("KAFKA_{name}"), *value));
    request.with_health_check(healthy(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9092"]))
}

fn postgres(request: ContainerRequest<GenericImage>, password: &str) -> ContainerRequest<GenericImage> {
    request
        .with_env_var("POSTGRES_PASSWORD", password)
        .with_env_var("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C.UTF-8")
        .with_cmd(["postgres", "-c", "max_connections=200", "-c", "shared_buffers=1GB"])
        // The temporary server that initializes the data listens to no address.
        .with_health_check(healthy(["pg_isready", "-h", "127.0.0.1", "-U", "postgres"]))
}

/// Adds a user for tests that may create databases and users.
async fn admit(server: &ContainerAsync<GenericImage>, password: &str) -> Result<(), Failure> {
    let role = format!("CREATE ROLE uzon_admin LOGIN CREATEDB CREATEROLE PASSWORD '{password}'");
    let command = ExecCommand::new(["psql", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-qc", &role]);
    let command = command.with_cmd_ready_condition(CmdWaitFor::exit());
    let mut done = server.exec(command).await?;
    if done.exit_code().await? == Some(0) {
        return Ok(());
    }
    let errors = done.stderr_to_vec().await?;
    Err(format!("postgres: the user uzon_admin cannot be made: {}", String::from_utf8_lossy(&errors)).into())
}

fn mariadb(request: ContainerRequest<GenericImage>, password: &str) -> ContainerRequest<GenericImage> {
    request
        .with_env_var("MARIADB_ROOT_PASSWORD", password)
        .with_cmd([
            "mariadbd",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
            "--max-connections=200",
            "--innodb-buffer-pool-size=256M",
            "--innodb-log-file-size=256M",
            "--max-allowed-packet=64M",
        ])
        .with_health_check(healthy(["mariadb-admin", "--skip-ssl", "ping", "-h", "127.0.0.1"]))
}
