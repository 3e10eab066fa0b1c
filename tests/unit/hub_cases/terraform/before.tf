# image = "quay.io/example-org/user-image:v0"
locals {
  image       = "quay.io/example-org/user-image:v1" // quay.io/example-org/user-image:v0
  other       = "quay.io/example-org/user-image-gpu:v1"
  description = "quay.io/example-org/user-image:v1"
  /* "quay.io/example-org/user-image:v0" */
}
