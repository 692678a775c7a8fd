# ruff: noqa: E501
"""Help of the context and checkpoint commands. Form: see show.py. The wording follows the Docker CLI (Apache-2.0)."""

_CONFIG = """\
>
>Docker endpoint config:
>
>NAME                DESCRIPTION
>from                Copy named context's Docker endpoint configuration
>host                Docker endpoint on which to connect
>ca                  Trust certs signed only by this CA
>cert                Path to TLS certificate file
>key                 Path to TLS key file
>skip-tls-verify     Skip TLS certificate validation
>
>Example:
>
>$ orlop context VERB my-context --description "some description" --docker "host=tcp://myserver:2376,ca=~/ca-file,cert=~/cert-file,key=~/key-file"
"""

TEXT = f"""\
checkpoint create [OPTIONS] CONTAINER CHECKPOINT
Create a checkpoint from a running container
  checkpoint-dir string: Use a custom checkpoint storage directory
  leave-running: Leave the container running after checkpoint

checkpoint ls [OPTIONS] CONTAINER
List checkpoints for a container
  checkpoint-dir string: Use a custom checkpoint storage directory

checkpoint rm [OPTIONS] CONTAINER CHECKPOINT
Remove a checkpoint
  checkpoint-dir string: Use a custom checkpoint storage directory

context create [OPTIONS] CONTEXT
Create a context
{_CONFIG.replace("VERB", "create")}  description string: Description of the context
  docker stringToString: set the docker endpoint (default [])
  from string: create context from a named context

context export [OPTIONS] CONTEXT [FILE|-]
Export a context to a tar archive FILE or a tar stream on STDOUT.

context import CONTEXT FILE|-
Import a context from a tar or zip file

context inspect [OPTIONS] [CONTEXT] [CONTEXT...]
Display detailed information on one or more contexts
  format string: @INSPECT

context ls [OPTIONS]
List contexts
  format string: @FORMAT
  quiet: Only show context names

context rm CONTEXT [CONTEXT...]
Remove one or more contexts
  force: Force the removal of a context in use

context show
Print the name of the current context

context update [OPTIONS] CONTEXT
Update a context
{_CONFIG.replace("VERB", "update")}  description string: Description of the context
  docker stringToString: set the docker endpoint (default [])

context use CONTEXT
Set the current docker context
"""
