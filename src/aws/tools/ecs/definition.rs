//! What of a task definition is used here.
//!
//! A task definition also carries environment values. They are left behind at the door: nothing after
//! [`Definition::of`] can show what it does not have.

use aws_sdk_ecs::types::{ContainerDefinition, LogDriver, TaskDefinition, TaskDefinitionStatus};

/// A task definition without its environment. Source: DescribeTaskDefinition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definition {
    pub arn: String,
    /// Whether it can be deployed. ECS says nothing for some old ones: taken as yes.
    pub active: bool,
    /// Essential containers first, then as defined.
    pub containers: Vec<ContainerSpec>,
    /// The task role and the execution role.
    pub roles: Vec<String>,
}

/// One container of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerSpec {
    pub name: String,
    pub image: String,
    pub log: Log,
}

/// Where a container logs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Log {
    /// Nothing is configured.
    #[default]
    None,
    /// CloudWatch Logs.
    CloudWatch { group: String, prefix: Option<String>, region: Option<String> },
    /// Another driver, by name.
    Elsewhere(String),
}

impl Definition {
    pub fn of(definition: &TaskDefinition) -> Self {
        let mut containers: Vec<&ContainerDefinition> = definition.container_definitions().iter().collect();
        containers.sort_by_key(|c| !c.essential.unwrap_or(true));
        Self {
            arn: definition.task_definition_arn().unwrap_or_default().to_owned(),
            active: definition.status().is_none_or(|s| *s == TaskDefinitionStatus::Active),
            containers: containers.into_iter().map(ContainerSpec::of).collect(),
            roles: [definition.task_role_arn(), definition.execution_role_arn()]
                .into_iter()
                .flatten()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The container named `name`.
    pub fn container(&self, name: &str) -> Option<&ContainerSpec> {
        self.containers.iter().find(|c| c.name == name)
    }

    /// Every image, essential containers first: `app:1.8.2, envoy:1.30`.
    pub fn images(&self) -> Option<String> {
        let images: Vec<&str> =
            self.containers.iter().map(|c| c.image.as_str()).filter(|i| !i.is_empty()).collect();
        (!images.is_empty()).then(|| images.join(", "))
    }
}

impl ContainerSpec {
    fn of(container: &ContainerDefinition) -> Self {
        let log = container.log_configuration().map_or(Log::None, |log| match log.log_driver() {
            LogDriver::Awslogs => {
                let option = |name: &str| log.options().and_then(|o| o.get(name)).cloned();
                match option("awslogs-group") {
                    Some(group) => Log::CloudWatch {
                        group,
                        prefix: option("awslogs-stream-prefix"),
                        region: option("awslogs-region"),
                    },
                    None => Log::None,
                }
            }
            other => Log::Elsewhere(other.as_str().to_owned()),
        });
        Self {
            name: container.name().unwrap_or_default().to_owned(),
            image: container.image().unwrap_or_default().to_owned(),
            log,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ecs::types::{KeyValuePair, LogConfiguration};

    #[test]
    fn essential_containers_come_first_and_the_environment_stays_behind() {
        let logs = LogConfiguration::builder()
            .log_driver(LogDriver::Awslogs)
            .options("awslogs-group", "/ecs/checkout-api")
            .options("awslogs-stream-prefix", "ecs")
            .build()
            .unwrap();
        let container = |name: &str, essential: bool| {
            ContainerDefinition::builder()
                .name(name)
                .image(format!("{name}:1"))
                .essential(essential)
                .environment(KeyValuePair::builder().name("PASSWORD").value("hunter2").build())
                .log_configuration(logs.clone())
                .build()
        };
        let definition = TaskDefinition::builder()
            .task_definition_arn("arn:aws:ecs:eu-west-1:123456789012:task-definition/checkout-api:42")
            .container_definitions(container("envoy", false))
            .container_definitions(container("app", true))
            .execution_role_arn("arn:aws:iam::123456789012:role/exec")
            .status(TaskDefinitionStatus::Inactive)
            .build();
        let read = Definition::of(&definition);
        assert_eq!(read.images().as_deref(), Some("app:1, envoy:1"));
        assert!(!read.active);
        assert_eq!(read.roles, ["arn:aws:iam::123456789012:role/exec"]);
        assert_eq!(
            read.container("app").unwrap().log,
            Log::CloudWatch { group: "/ecs/checkout-api".into(), prefix: Some("ecs".into()), region: None }
        );
        assert!(!format!("{read:?}").contains("hunter2"));
    }
}
