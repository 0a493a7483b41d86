//! The AWS emulator as a child process, in a pinned Python environment the tests make themselves.

use super::python::Program;
use quarterdeck_aws::Settings;
use quarterdeck_aws::clients::Aws;
use serde_json::{Value, json};
use std::sync::OnceLock;
use tokio::sync::{Mutex, MutexGuard};

/// A region, and the account the emulator always is.
pub const HERE: &str = "eu-west-1";
pub const ACCOUNT: &str = "123456789012";

const REQUIREMENTS: &str = include_str!("../emulator/requirements.txt");

/// A running emulator; ends when dropped.
pub struct Emulator {
    program: Program,
    /// `http://127.0.0.1:PORT`.
    pub endpoint: String,
}

/// The one emulator of a test binary, as new. It ends with the process, whose end closes its input.
pub async fn fresh() -> MutexGuard<'static, Emulator> {
    static ONE: OnceLock<Mutex<Emulator>> = OnceLock::new();
    let mut emulator = ONE.get_or_init(|| Mutex::new(Emulator::start())).lock().await;
    emulator.reset();
    emulator
}

impl Emulator {
    pub fn start() -> Self {
        let program = Program::start("front.py", REQUIREMENTS);
        Self { endpoint: program.endpoint.clone(), program }
    }

    fn control(&mut self, words: &Value) -> Value {
        self.program.control(words)
    }

    /// Prepares the account as an outsider would: one boto3 call.
    pub fn boto(&mut self, service: &str, region: &str, operation: &str, args: Value) -> Value {
        self.control(&json!(["boto", service, region, operation, args]))
    }

    /// Faults and delays; see `front.py`.
    pub fn rules(&mut self, rules: Value) {
        self.control(&json!(["rules", rules]));
    }

    /// Smaller pages than asked for; see `front.py`.
    pub fn pages(&mut self, pages: Value) {
        self.control(&json!(["pages", pages]));
    }

    /// Answers for what moto lacks.
    pub fn canned(&mut self, answers: Value) {
        self.control(&json!(["canned", answers]));
    }

    /// What `GetCostAndUsage` answers: one result for each request that differs, in order.
    pub fn costs(&mut self, results: Value) {
        self.control(&json!(["costs", results]));
    }

    /// Operations that arrived, in order: service, operation, region, dry_run.
    pub fn calls(&mut self) -> Vec<Value> {
        self.control(&json!(["calls"])).as_array().cloned().expect("a list")
    }

    /// How often an operation arrived for real (not as a dry run).
    pub fn count(&mut self, operation: &str) -> usize {
        self.calls().iter().filter(|c| c["operation"] == operation && c["dry_run"] == false).count()
    }

    /// Every request that changes the account: whatever is neither a read nor a dry run.
    pub fn changes(&mut self) -> Vec<String> {
        let reads = ["Describe", "List", "Get", "Head", "Lookup", "Filter", "GenerateCredentialReport"];
        let name = |c: &Value| c["operation"].as_str().unwrap_or_default().to_owned();
        let real = self.calls().into_iter().filter(|c| c["dry_run"] == false).map(|c| name(&c));
        real.filter(|name| !reads.iter().any(|read| name.starts_with(read))).collect()
    }

    /// Most requests open at the same time: in all, and per `service/region`.
    pub fn peak(&mut self) -> (u64, Value) {
        let mut peak = self.control(&json!(["peak"]));
        (peak["all"].as_u64().expect("a number"), peak["scope"].take())
    }

    /// The call log and the peaks begin anew.
    pub fn forget(&mut self) {
        self.control(&json!(["forget"]));
    }

    /// A connection to it as a user of ours, in these regions.
    pub fn aws(&self, regions: &[&str]) -> Aws {
        Aws::new(self.settings(regions))
    }

    pub fn settings(&self, regions: &[&str]) -> Settings {
        Settings {
            regions: regions.iter().map(|r| (*r).to_owned()).collect(),
            endpoint: Some(self.endpoint.clone()),
            credentials: Some(("AKIDEXAMPLE".into(), "secret".into())),
            ..Settings::default()
        }
    }

    /// Launches `n` instances with these tags; returns their ids.
    pub fn instances(&mut self, region: &str, n: usize, tags: &[(&str, &str)]) -> Vec<String> {
        let tags: Vec<Value> = tags.iter().map(|(k, v)| json!({ "Key": k, "Value": v })).collect();
        let mut args =
            json!({ "ImageId": "ami-12c6146b", "InstanceType": "t3.micro", "MinCount": n, "MaxCount": n });
        if !tags.is_empty() {
            args["TagSpecifications"] = json!([{ "ResourceType": "instance", "Tags": tags }]);
        }
        let answer = self.boto("ec2", region, "run_instances", args);
        let ids = answer["Instances"].as_array().expect("a list").iter();
        ids.map(|i| i["InstanceId"].as_str().expect("an id").to_owned()).collect()
    }

    /// A cluster with `n` services of two tasks each, `svc-000` and so on, and a task definition `checkout-api:1`.
    pub fn services(&mut self, cluster: &str, n: usize) {
        self.boto("ecs", HERE, "create_cluster", json!({ "clusterName": cluster }));
        self.definition("checkout-api:1");
        for i in 0..n {
            let args = json!({ "cluster": cluster, "serviceName": format!("svc-{i:03}"), "desiredCount": 2,
                "taskDefinition": "checkout-api", "tags": [{ "key": "env", "value": "dev" }] });
            self.boto("ecs", HERE, "create_service", args);
        }
    }

    /// Another revision of the task definition `checkout-api`, of this image.
    pub fn definition(&mut self, image: &str) {
        let log = json!({ "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/checkout",
            "awslogs-region": HERE, "awslogs-stream-prefix": "ecs" } });
        let container = json!({ "name": "app", "image": image, "memory": 128, "essential": true,
            "logConfiguration": log, "environment": [{ "name": "DB_PASSWORD", "value": "hunter2hunter2" }] });
        let args = json!({ "family": "checkout-api", "containerDefinitions": [container] });
        self.boto("ecs", HERE, "register_task_definition", args);
    }

    /// An alarm in this state.
    pub fn alarm(&mut self, region: &str, name: &str, state: &str) {
        let args = json!({ "AlarmName": name, "Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_Target_5XX_Count",
            "Dimensions": [{ "Name": "LoadBalancer", "Value": "app/web/1" }], "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 10.0, "ComparisonOperator": "GreaterThanThreshold" });
        self.boto("cloudwatch", region, "put_metric_alarm", args);
        let args =
            json!({ "AlarmName": name, "StateValue": state, "StateReason": format!("{name} is {state}") });
        self.boto("cloudwatch", region, "set_alarm_state", args);
    }

    /// Lines of one stream of a group, each with its age in seconds.
    pub fn lines(&mut self, region: &str, group: &str, stream: &str, lines: &[(u64, String)]) {
        let groups = self.boto("logs", region, "describe_log_groups", json!({ "logGroupNamePrefix": group }));
        if groups["logGroups"].as_array().is_some_and(Vec::is_empty) {
            self.boto("logs", region, "create_log_group", json!({ "logGroupName": group }));
        }
        let to = json!({ "logGroupName": group, "logStreamName": stream });
        self.boto("logs", region, "create_log_stream", to.clone());
        let now = quarterdeck::engine::clock::system()().millis();
        let event = |(age, message): &(u64, String)| json!({ "timestamp": now - i64::try_from(age * 1_000).expect("an age"), "message": message });
        let mut events: Vec<Value> = lines.iter().map(event).collect();
        events.sort_by_key(|e| e["timestamp"].as_i64());
        let mut args = to;
        args["logEvents"] = events.into();
        self.boto("logs", region, "put_log_events", args);
    }

    /// Everything back to the beginning.
    pub fn reset(&mut self) {
        self.control(&json!(["reset"]));
    }
}
