//! The results as a table and as JSON.

use std::collections::BTreeMap;

use comfy_table::{CellAlignment, Table, presets::UTF8_FULL_CONDENSED};
use hdrhistogram::Histogram;
use serde::Serialize;

/// All results.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The generator's command line.
    pub command: String,
    pub seconds: f64,
    pub requests: u64,
    pub requests_per_second: f64,
    pub refused: BTreeMap<String, u64>,
    pub broken: u64,
    /// Orders complete per second, from the first arrival to the moment the last one was complete.
    pub complete_per_second: Option<f64>,
    /// Rate until 99 % were complete: the sustained rate, without the tail.
    pub sustained_per_second: Option<f64>,
    /// Seconds from the last arrival until all orders were complete.
    pub tail_seconds: Option<f64>,
    /// Latencies in milliseconds.
    pub latency: BTreeMap<&'static str, Percentiles>,
    /// Costs by process. A system in one process is called `dev`.
    pub processes: BTreeMap<String, Cost>,
    /// Growth of the stored data per request, in bytes.
    pub stored_per_request: Option<f64>,
    pub checked: Checked,
}

/// Resource usage of a process.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    pub cpu_micros_per_request: f64,
    pub cpu_cores: f64,
    pub resident_mebibytes: f64,
    pub peak_mebibytes: f64,
    pub written_bytes_per_request: f64,
}

/// Scope and result of the checker.
#[derive(Debug, Default, Serialize)]
pub struct Checked {
    pub orders: usize,
    pub closely: usize,
    pub violations: Vec<String>,
}

/// Percentiles in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    pub count: u64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Percentiles {
    /// From microseconds; `None` without measurements.
    pub fn of(micros: &Histogram<u64>) -> Option<Self> {
        let at = |quantile| millis(micros.value_at_quantile(quantile));
        let found = Self {
            count: micros.len(),
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: millis(micros.max()),
        };
        (found.count > 0).then_some(found)
    }
}

#[expect(clippy::cast_precision_loss, reason = "no measurement is that precise")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

impl Report {
    /// The results as a table.
    pub fn table(&self) -> String {
        let mut figures = Table::new();
        figures.load_preset(UTF8_FULL_CONDENSED).set_header(["figure", "value"]);
        let mut add = |name: &str, value: String| {
            figures.add_row([name.to_owned(), value]);
        };
        add("successful requests", format!("{} in {:.1} s", self.requests, self.seconds));
        add("requests/s", format!("{:.0}", self.requests_per_second));
        for (status, count) in &self.refused {
            add("refused", format!("{count} × {status}"));
        }
        if self.broken > 0 {
            add("without an answer", self.broken.to_string());
        }
        let number = |value: Option<f64>, unit: &str| value.map(|value| format!("{value:.1}{unit}"));
        for (name, value) in [
            ("complete orders/s, until the last", number(self.complete_per_second, "")),
            ("complete orders/s, sustained (99 %)", number(self.sustained_per_second, "")),
            ("complete after the last arrival", number(self.tail_seconds, " s")),
            ("stored per request", number(self.stored_per_request, " bytes")),
        ] {
            if let Some(value) = value {
                add(name, value);
            }
        }
        if self.processes.len() > 2 {
            let cpu: f64 = self.processes.values().map(|cost| cost.cpu_micros_per_request).sum();
            add("all together: CPU per request", format!("{cpu:.0} µs"));
        }
        for (who, cost) in &self.processes {
            add(&format!("{who}: CPU per request"), format!("{:.0} µs", cost.cpu_micros_per_request));
            add(&format!("{who}: cores busy"), format!("{:.2}", cost.cpu_cores));
            let (now, peak) = (cost.resident_mebibytes, cost.peak_mebibytes);
            add(&format!("{who}: memory, at most"), format!("{now:.0} MiB, {peak:.0} MiB"));
            if cost.written_bytes_per_request > 0.0 {
                add(&format!("{who}: written per request"), format!("{:.0} bytes", cost.written_bytes_per_request));
            }
        }
        let Checked { orders, closely, violations } = &self.checked;
        add("checked", format!("{orders} orders, {closely} of them closely: {} violations", violations.len()));
        format!("{figures}\n{}", self.latencies())
    }

    fn latencies(&self) -> Table {
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED).set_header([
            "milliseconds",
            "count",
            "p50",
            "p95",
            "p99",
            "p99.9",
            "max",
        ]);
        for (step, it) in &self.latency {
            let numbers = [it.p50, it.p95, it.p99, it.p999, it.max].map(|value| format!("{value:.2}"));
            let row = [(*step).to_owned(), it.count.to_string()].into_iter().chain(numbers);
            table.add_row(row);
        }
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }
}
