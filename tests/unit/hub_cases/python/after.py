"""The hub of quay.io/example-org/user-image:v1"""

c = get_config()  # noqa
c.DockerSpawner.image = "quay.io/example-org/user-image:v2"
# c.DockerSpawner.image = "quay.io/example-org/user-image:v0"
c.KubeSpawner.profile_list = [
    {
        "display_name": "Größe S",
        "kubespawner_override": {"image": "quay.io/example-org/user-image:v2"},
        "description": "quay.io/example-org/user-image:v1",
    },
    dict(
        display_name="Gpu", kubespawner_override={"image": "quay.io/example-org/user-image-gpu:v1"}
    ),
]
print(f"runs quay.io/example-org/user-image:v1")
